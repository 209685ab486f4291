# SPDX-License-Identifier: Apache-2.0
"""Damage to what starts all versions: the boot loader, and the head of the boot partition.

The first is mended by the host. The second has no second copy that firmware looks at: nothing
boots, which is said, and docs/operating.md says how it is mended from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.update.loader import PLACES
from tests.support import disk, gpt, milestones, timeouts
from tests.updates.conftest import status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.attack_table import Table
    from tests.support.machine import Machine
    from tests.updates.conftest import Updated

pytestmark = [pytest.mark.guest, pytest.mark.every_attack]
LOADER = PLACES[0].removeprefix("/efi")
#: FAT32 keeps a copy of its first sector in the seventh (Microsoft's FAT specification, 3.4).
BACKUP = 6
SECTOR_SIZE = 11  # offset of the number of bytes in a sector


def test_a_damaged_boot_loader_is_mended(
    machine: Machine, updated: Updated, table: Table, tmp_path: Path
) -> None:
    lab = updated.lab
    esp = gpt.only(gpt.read(machine.disk), gpt.ESP)
    copy = disk.fat_read(machine.disk, esp, LOADER, tmp_path / "loader")
    place = copy.stat().st_size // 2
    disk.flip_bit(copy, place)
    disk.fat_write(machine.disk, esp, copy, LOADER)
    machine.on()
    # The firmware refuses it, and its last option starts the other version in the same start.
    verdict = machine.verdict()
    assert (verdict["state"], milestones.facts(verdict)["version"]) == ("healthy", lab.first)
    machine.output("systemctl start codex-update-settle")
    said = status(machine)
    words = str(said["progress"]["last_error"])
    assert f"{PLACES[0]} was damaged" in words
    assert lab.second not in said["bad"], "no version is to blame for what starts all of them"
    machine.restart()
    machine.on()
    verdict = machine.verdict()
    assert (verdict["state"], milestones.facts(verdict)["version"]) == ("healthy", lab.second)
    table.add("damage: boot-loader", f"a bit flipped: {PLACES[0]}, byte {place}",
              f"{lab.first} came up at start 1 and mended it, {lab.second} at start 2",
              words)  # fmt: skip


def test_a_damaged_head_of_the_boot_partition_is_mended_from_outside(
    machine: Machine, updated: Updated, table: Table
) -> None:
    lab = updated.lab
    esp = gpt.only(gpt.read(machine.disk), gpt.ESP)
    with machine.disk.open("rb") as file:
        file.seek(esp.offset + SECTOR_SIZE)
        size = int.from_bytes(file.read(2), "little")
        file.seek(esp.offset + BACKUP * size)
        backup = file.read(512)
    # 4096 becomes 4352, which is no size of a sector.
    disk.flip_bit(machine.disk, esp.offset + SECTOR_SIZE + 1)
    machine.on()
    machine.guest.wait_for_serial(milestones.NOTHING_TO_BOOT, timeouts.REFUSAL_S)
    machine.off()
    with machine.disk.open("r+b") as file:
        file.seek(esp.offset)
        file.write(backup)
    machine.on()
    verdict = machine.verdict()
    assert (verdict["state"], milestones.facts(verdict)["version"]) == ("healthy", lab.second)
    table.add("damage: fat-head", f"a bit flipped: the boot partition, byte {SECTOR_SIZE + 1}",
              f"nothing boots; {lab.second} came up once the copy of the sector was laid back",
              milestones.NOTHING_TO_BOOT)  # fmt: skip
