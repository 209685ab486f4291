# SPDX-License-Identifier: Apache-2.0
"""The generator that says whether the version that the boot loader counts is the one that runs."""

import os
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[3] / "images/tree/usr/lib/systemd"
VARIABLE = "LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
ON_TRIAL, OTHER = "codex-on-trial", "codex-other-trial"


def _path(name: str) -> bytes:
    return b"\x06\0\0\0" + f"\\EFI\\Linux\\{name}\0".encode("utf-16-le")


def _said(tmp_path: Path, content: bytes | None, release: str = "IMAGE_VERSION=0.1.60") -> set[str]:
    """Run the generator on a host with this note of the boot loader; return what it leaves."""
    variables, out = tmp_path / "efivars", tmp_path / "out"
    variables.mkdir()
    out.mkdir()
    (tmp_path / "os-release").write_text(f"ID=debian\n{release}\nVARIANT_ID=x\n")
    if content is not None:
        (variables / VARIABLE).write_bytes(content)
    script = (TREE / "system-generators/codex-trial").read_text()
    script = script.replace("/sys/firmware/efi/efivars", str(variables))
    script = script.replace("/usr/lib/os-release", str(tmp_path / "os-release"))
    argv = ["sh", "-c", script, "codex-trial", str(out), "/nowhere", "/nowhere"]
    subprocess.run(argv, check=True)
    return {path.name for path in out.iterdir()}


@pytest.mark.parametrize("name", ["0.1.60+2-1", "0.1.60+3", "0.1.60+0-3"])
@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_the_version_that_is_counted_runs(tmp_path: Path, name: str, quote: str) -> None:
    release = f"IMAGE_VERSION={quote}0.1.60{quote}"
    assert _said(tmp_path, _path(f"codex-os_{name}.efi"), release) == {ON_TRIAL}


def test_nothing_is_counted(tmp_path: Path) -> None:
    assert _said(tmp_path, None) == set()


@pytest.mark.parametrize("content", [
    _path("codex-os_0.1.61+2-1.efi"), _path("codex-os_0.1.6+2-1.efi"), _path("codex-os_0.1.60.efi"),
    _path("codex-os_0.1.60.1+2.efi"), _path("codex-os_0.1.600+2.efi"), _path("0.1.60+2-1.efi"),
    _path("xcodex-os_0.1.60+2-1.efi"), _path("codex-os-shell_0.1.60+2.efi"),
    _path("codex-os_0x1x60+2.efi"), _path("codex-os_0.1.60+2-1.efi\ncodex-os_0.1.61+2-1.efi"),
    b"", b"\x06\0\0\0", pytest.param(os.urandom(60), id="garbage"),
])  # fmt: skip
def test_another_version_is_counted(tmp_path: Path, content: bytes) -> None:
    assert _said(tmp_path, content) == {OTHER}


def test_a_host_that_names_no_version(tmp_path: Path) -> None:
    assert _said(tmp_path, _path("codex-os_+2-1.efi"), "NAME=x") == {OTHER}


def test_units_ask_for_what_the_generator_says() -> None:
    """What blesses needs a yes; what restarts a trial heeds a no."""
    folder = "/run/systemd/generator"
    for name, wanted in {
        "systemd-bless-boot.service.d/10-on-trial.conf": f"{folder}/{ON_TRIAL}",
        "codex-trial-failed.service": f"!{folder}/{OTHER}",
        "codex-unjudged.service": f"!{folder}/{OTHER}",
    }.items():
        lines = (TREE / "system" / name).read_text().splitlines()
        assert f"ConditionPathExists={wanted}" in lines, name
