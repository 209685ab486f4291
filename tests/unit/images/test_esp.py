# SPDX-License-Identifier: Apache-2.0
"""The generator that has the ESP mounted while it is used, with a firmware variable of a test."""

import os
import subprocess
from pathlib import Path

import pytest

GENERATOR = (
    Path(__file__).resolve().parents[3] / "images/tree/usr/lib/systemd/system-generators/codex-esp"
)
VARIABLE = "LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
UUID = "FF632133-AFA5-4FB3-8792-0A3F9162EED8"


def _run(tmp_path: Path, content: bytes | None) -> "subprocess.CompletedProcess[str]":
    """Run the generator on a machine with this content of the boot loader's variable."""
    variables, out = tmp_path / "efivars", tmp_path / "out"
    variables.mkdir()
    out.mkdir()
    if content is not None:
        (variables / VARIABLE).write_bytes(content)
    script = GENERATOR.read_text().replace("/sys/firmware/efi/efivars", str(variables))
    argv = ["sh", "-c", script, "codex-esp", str(out), str(out), str(out)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def _variable(text: str) -> bytes:
    return b"\x06\0\0\0" + f"{text}\0".encode("utf-16-le")


def _what(tmp_path: Path) -> str:
    lines = (tmp_path / "out/efi.mount").read_text().splitlines()
    (found,) = [line.removeprefix("What=") for line in lines if line.startswith("What=")]
    return found


def test_partition_that_the_boot_loader_names(tmp_path: Path) -> None:
    assert _run(tmp_path, _variable(UUID)).returncode == 0
    assert _what(tmp_path) == f"/dev/disk/by-partuuid/{UUID.lower()}"
    assert (tmp_path / "out/local-fs.target.wants/efi.automount").resolve().is_file()


def test_label_where_there_was_no_boot_loader(tmp_path: Path) -> None:
    assert _run(tmp_path, None).returncode == 0
    assert _what(tmp_path) == "/dev/disk/by-partlabel/esp"


@pytest.mark.parametrize("content", [
    b"", b"\x06\0\0\0", _variable("esp"), _variable("../../sda1"), _variable(f"{UUID}/.."),
    _variable(f"{UUID}\nOptions=suid"), _variable(f"x\n{UUID}"),
    pytest.param(os.urandom(40), id="garbage"),
])  # fmt: skip
def test_variable_that_names_no_partition(tmp_path: Path, content: bytes) -> None:
    done = _run(tmp_path, content)
    assert done.returncode == 1
    assert "names no partition" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_only_root_reads_and_nothing_there_runs(tmp_path: Path) -> None:
    _run(tmp_path, _variable(UUID))
    text = (tmp_path / "out/efi.mount").read_text()
    assert "Options=umask=0077,nosuid,nodev,noexec,dirsync" in text.splitlines()
