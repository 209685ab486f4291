# SPDX-License-Identifier: Apache-2.0
"""Whether the kernel knows the key of its modules: what is not known is never said to be well."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.unit.roles.apply import ROLES

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = ROLES / "kernel_modules/files/module-key"
VARIABLE = "efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def run(
    folder: Path, byte: bytes | None, words: str, *more: str, efi: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the program on a firmware and a mokutil of ours."""
    firmware = folder / "efi"
    if efi:
        (firmware / "efivars").mkdir(parents=True)
    if byte is not None:
        (firmware / VARIABLE).write_bytes(b"\x06\0\0\0" + byte)
    (folder / "bin").mkdir()
    if words:
        (folder / "bin/mokutil").write_text(f"#!/bin/sh\necho '{words}'\nexit 1\n")
        (folder / "bin/mokutil").chmod(0o755)
    (folder / "key.der").write_text("certificate")
    text = PROGRAM.read_text().replace("/sys/firmware/efi", str(firmware))
    return subprocess.run(
        ["sh", "-c", text, "module-key", str(folder / "key.der"), *more],
        env={"PATH": f"{folder}/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


CASES = {
    "on-enrolled": (b"\1", "key.der is already enrolled", "on", "enrolled", 0),
    "on-in-db": (b"\1", "key.der is already in db", "on", "enrolled", 0),
    "on-waiting": (b"\1", "key.der is already in the enrollment request", "on", "waiting", 1),
    "on-absent": (b"\1", "key.der is not enrolled", "on", "absent", 1),
    "on-refused": (b"\1", "key.der is already in MokListX", "on", "absent", 1),
    "on-no-program": (b"\1", "", "on", "absent", 1),
    "off": (b"\0", "key.der is not enrolled", "off", "absent", 0),
    "odd": (b"\7", "key.der is not enrolled", "unknown", "absent", 1),
    "empty": (b"", "key.der is not enrolled", "unknown", "absent", 1),
    "no-variable": (None, "key.der is already enrolled", "unknown", "enrolled", 0),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_states(tmp_path: Path, name: str) -> None:
    byte, words, firmware, known, status = CASES[name]
    both = tmp_path / "both"
    both.mkdir()
    assert run(both, byte, words, "both").stdout.split() == [firmware, known]
    probe = tmp_path / "probe"
    probe.mkdir()
    done = run(probe, byte, words)
    assert done.returncode == status
    assert done.stdout.endswith(".\n")


def test_a_machine_without_efi_has_no_secure_boot(tmp_path: Path) -> None:
    assert run(tmp_path, None, "", "both", efi=False).stdout.split() == ["off", "absent"]
