# SPDX-License-Identifier: Apache-2.0
"""A root that was changed after signing does not boot.

The boot of the intact disk (test_direct_boot.py) is the control: same kernel, same way, same end.
"""

import secrets
from pathlib import Path

import pytest

from tests.support import disk, erofs, gpt, guests, milestones, serial_logs, timeouts
from tests.support.artefacts import Artefacts

pytestmark = pytest.mark.guest

#: The first program that runs from the verified root.
PROGRAM = "/usr/lib/systemd/systemd"


@pytest.fixture
def tampered(artefacts: Artefacts, tmp_path: Path) -> Path:
    """Copy of the disk with one bit of the first program inverted."""
    copy = disk.copy_sparse(artefacts.disk, tmp_path / "tampered.raw")
    root = gpt.only(gpt.read(copy), gpt.ROOT)
    image = disk.extract(copy, root, tmp_path / "root.erofs")
    disk.flip_bit(copy, root.offset + erofs.middle_data_byte(image, PROGRAM))
    return copy


def test_one_flipped_bit_ends_the_boot(tampered: Path) -> None:
    nonce = secrets.token_hex(16)
    spec = guests.specification("tampered", "direct", disk=tampered, exit_nonce=nonce)
    with guests.running(spec) as guest:
        guest.wait_for_serial(milestones.CORRUPTION, timeouts.BOOT_S)
        # It gives up by itself, so that boot counting can choose the other slot.
        report = guest.wait_exit(timeouts.BOOT_S)
        log = serial_logs.plain(guest.serial_log)
    assert report.status is None, "the guest claims to have booted"
    assert milestones.RESTARTS in log
    assert "codex-verdict" not in log
