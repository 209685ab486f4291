# SPDX-License-Identifier: Apache-2.0
"""A root that was changed after signing does not boot."""

from pathlib import Path

import pytest

from tests.support import disk, gpt, guests, milestones, serial_logs, timeouts
from tests.support.artefacts import Artefacts

pytestmark = pytest.mark.guest


@pytest.fixture
def tampered(artefacts: Artefacts, tmp_path: Path) -> Path:
    """Copy of the disk with one bit of the root's superblock (byte 1024 to 1151) inverted."""
    copy = disk.copy_sparse(artefacts.disk, tmp_path / "tampered.raw")
    disk.flip_bit(copy, gpt.only(gpt.read(copy), gpt.ROOT).offset + 1100)
    return copy


def test_one_flipped_bit_stops_the_boot(tampered: Path) -> None:
    """The boot of the intact disk (test_direct_boot.py) is the control."""
    with guests.started(guests.specification("tampered", "direct", disk=tampered)) as guest:
        guest.wait_for_serial(milestones.CORRUPTION, timeouts.BOOT_S)
        end = f"{milestones.BOOT_FAILED}|{milestones.VERDICT}"
        guest.wait_for_serial(end, timeouts.BOOT_S)
        log = serial_logs.plain(guest.serial_log)
    assert "codex-verdict" not in log
