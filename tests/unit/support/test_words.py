# SPDX-License-Identifier: Apache-2.0
"""What the suites read out of texts: consoles, command lines, signature lists."""

import re
import struct
import uuid
from pathlib import Path

import pytest

from tests.support import efi, milestones, serial_logs, verity

HASH = "0123456789abcdef" * 4


def test_verdict_in_the_middle_of_a_console() -> None:
    facts = "version=0.1.57 slot=A verity=active secure-boot=yes"
    line = f"[   95.7] codex[7]: codex-verdict: healthy {facts}\r\n"
    found = re.search(milestones.VERDICT, line)
    assert found is not None
    assert found["state"] == "healthy"
    assert milestones.facts(found) == {
        "version": "0.1.57", "slot": "A", "verity": "active", "secure-boot": "yes",
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "[    0.000000] Linux version 7.3.4",
        "EFI stub: UEFI Secure Boot is enabled.",
        "Welcome to Debian",
    ],
)
def test_a_running_kernel_is_seen(line: str) -> None:
    assert re.search(milestones.KERNEL_RUNS, line)


@pytest.mark.parametrize(
    "line",
    [
        'BdsDxe: failed to load Boot0001 "UEFI Misc Device" from PciRoot(0x0): Access Denied',
        "Error loading \\EFI\\Linux\\codex-os.efi: Security violation",
    ],
)
def test_a_refusal_is_seen_and_is_no_kernel(line: str) -> None:
    assert re.search(milestones.REFUSED, line)
    assert not re.search(milestones.KERNEL_RUNS, line)


def test_control_sequences_are_taken_out(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\x1b[0;1;31mFAILED\x1b[0m\x1b(B x\r\n\x1b[?25l\xff")
    assert serial_logs.plain(tmp_path / "log").splitlines()[0] == "FAILED x"


def test_root_hash_of_a_command_line() -> None:
    assert verity.root_hash(f"console=ttyS0 roothash={HASH} panic=10") == HASH


@pytest.mark.parametrize(
    "line", ["", f"xroothash={HASH}", f"roothash={HASH} roothash={HASH}", "roothash=12"]
)
def test_command_line_without_one_root_hash(line: str) -> None:
    with pytest.raises(AssertionError, match="one roothash"):
        verity.root_hash(line)


def test_partition_uuids_of_a_root_hash() -> None:
    digest = "a" * 32 + "b" * 32
    assert verity.partition_uuids(digest) == (uuid.UUID("a" * 32), uuid.UUID("b" * 32))


def _signature_list(kind: str, *entries: bytes) -> bytes:
    size = len(entries[0]) + 16
    head = uuid.UUID(kind).bytes_le + struct.pack("<III", 28 + size * len(entries), 0, size)
    return head + b"".join(bytes(16) + entry for entry in entries)


def test_certificates_of_signature_lists() -> None:
    x509 = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072"
    lists = _signature_list(x509, b"one", b"two") + _signature_list(x509, b"three")
    assert efi.certificates(lists) == [b"one", b"two", b"three"]


def test_trust_in_a_bare_hash_is_an_error() -> None:
    sha256 = "c1c41626-504c-4092-aca9-41f936934328"
    with pytest.raises(AssertionError, match=sha256):
        efi.certificates(_signature_list(sha256, bytes(32)))
