# SPDX-License-Identifier: Apache-2.0
"""Whether the agent answers is asked by the host's Python; it says why it does not."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.roles.apply import ROLES

PROGRAM = ROLES / "codex_agent/files/ask.py"


def ask(url: str, ca: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-I", str(PROGRAM), url, str(ca)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def test_certificate_is_not_there(tmp_path: Path) -> None:
    done = ask("https://127.0.0.1:9/health", tmp_path / "ca.crt")
    assert (done.returncode, "No such file" in done.stderr) == (1, True)


def test_certificate_is_garbage(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("garbage")
    done = ask("https://127.0.0.1:9/health", tmp_path / "ca.crt")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("url", ["https://127.0.0.1:9/health", "nothing", "https://[::1/health"])
def test_nobody_answers(url: str) -> None:
    """By the certificates of this Python; an address that is none is no traceback either."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None:
        pytest.skip("this Python knows no file of certificates")
    done = ask(url, Path(paths.cafile))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
