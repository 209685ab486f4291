# SPDX-License-Identifier: Apache-2.0
"""The generator that starts shells: only by the one word, and on every console."""

import subprocess
from pathlib import Path

import pytest

GENERATOR = (
    Path(__file__).resolve().parents[3]
    / "images/tree/usr/lib/systemd/system-generators/codex-shells"
)


def _run(tmp_path: Path, words: str, consoles: str = "tty0 ttyS0 hvc0") -> list[str]:
    (tmp_path / "cmdline").write_text(f"{words}\n")
    (tmp_path / "active").write_text(f"{consoles}\n")
    script = GENERATOR.read_text().replace("/proc/cmdline", str(tmp_path / "cmdline"))
    script = script.replace("/sys/class/tty/console/active", str(tmp_path / "active"))
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["sh", "-c", script, "codex-shells", out, out, out], check=True)
    return sorted(path.name for path in out.rglob("*") if path.is_symlink())


@pytest.mark.parametrize("words", [
    "", "quiet", "codex.shell=0", "codex.shells", "xcodex.shell", "codex-shell", "codexxshell",
    "console=codex.shell",
])  # fmt: skip
def test_no_shell(tmp_path: Path, words: str) -> None:
    assert _run(tmp_path, words) == []


@pytest.mark.parametrize("words", ["codex.shell", "a codex.shell b", "codex.shell b"])
def test_shells(tmp_path: Path, words: str) -> None:
    names = [f"codex-shell@{console}.service" for console in ("hvc0", "tty1", "ttyS0")]
    assert _run(tmp_path, words) == names
