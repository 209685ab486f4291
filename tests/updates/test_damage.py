# SPDX-License-Identifier: Apache-2.0
"""A disk that decays under two good versions: one of them comes up, whatever bit it was.

The second version was found good, so nobody counts its tries any more; it is damaged here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import disk, gpt, milestones, timeouts
from tests.support.machine import DidNotBootError
from tests.support.versions import slots
from tests.updates.test_broken import told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.attack_table import Table
    from tests.support.machine import Machine
    from tests.support.versions.lab import Lab
    from tests.updates.conftest import Updated

pytestmark = [pytest.mark.guest, pytest.mark.every_attack]
START_S = 900 * timeouts.SCALE
SECTOR = 512
IN_LAST_UKI = 110_000


def _bit(role: slots.Role, offset: int) -> Callable[[Path, Lab], str]:
    def damage(target: Path, lab: Lab) -> str:
        found = slots.bit(target, lab.second, role, offset)
        found.flip(target)
        return found.what

    return damage


def _first_program(target: Path, lab: Lab) -> str:
    return slots.corrupt_slot(target, lab.second, lab.made["second"].root).what


def _uki(target: Path, lab: Lab) -> str:
    name = f"codex-os_{lab.second}.efi"
    place = slots.corrupt_uki(target, name, lab.folder)
    return f"{name}, byte {place}"


def _table(offset: int, what: str) -> Callable[[Path, Lab], str]:
    def damage(target: Path, _lab: Lab) -> str:
        size = target.stat().st_size
        disk.flip_bit(target, offset if offset >= 0 else size + offset)
        return what

    return damage


def _fat(copy: int) -> Callable[[Path, Lab], str]:
    """A bit of one of the two tables of the FAT, where the UKI of the second version is.

    Of the four UKIs there it was written last; a cluster has 4 KiB.
    """

    def damage(target: Path, _lab: Lab) -> str:
        esp = gpt.only(gpt.read(target), gpt.ESP)
        with target.open("rb") as file:
            file.seek(esp.offset)
            head = file.read(SECTOR)
        # Its sectors are not those of the disk.
        sector = int.from_bytes(head[11:13], "little")
        reserved = int.from_bytes(head[14:16], "little")
        sectors = int.from_bytes(head[36:40], "little")
        place = esp.offset + (reserved + copy * sectors) * sector + IN_LAST_UKI
        disk.flip_bit(target, place)
        return f"table {copy + 1} of the FAT, byte {IN_LAST_UKI}"

    return damage


DAMAGE: dict[str, Callable[[Path, Lab], str]] = {
    "uki": _uki,
    "first-program": _first_program,
    "root-first-block": _bit("root", 1024),
    "hash-tree-head": _bit("verity", 0),
    "hash-tree-top": _bit("verity", 4096),
    "signature": _bit("signature", 200),
    "gpt-head": _table(SECTOR + 16, "the first head of the GPT"),
    "gpt-entry": _table(2 * SECTOR + 5 * 128 + 16, "an entry of the first GPT"),
    "gpt-second-head": _table(-SECTOR + 16, "the second head of the GPT"),
    "fat-1": _fat(0),
    "fat-2": _fat(1),
}


@pytest.mark.parametrize("what", list(DAMAGE))
def test_a_good_version_comes_up(
    what: str, machine: Machine, updated: Updated, table: Table
) -> None:
    lab = updated.lab
    words = DAMAGE[what](machine.disk, lab)
    for start in range(1, 7):
        machine.on()
        try:
            verdict = machine.verdict(START_S)
        except DidNotBootError:
            assert machine.guest.pid is None, f"start {start} hangs:\n{machine.console()[-3000:]}"
            machine.restarted(1)
            continue
        break
    else:
        pytest.fail("no version came up in six starts")
    assert verdict["state"] in ("healthy", "degraded"), verdict[0]
    version = milestones.facts(verdict)["version"]
    assert version in (lab.first, lab.second)
    reason = why_not(machine, lab.second)
    if version == lab.first:
        assert reason is not None, f"nothing says why {lab.second} does not run"
    said = f"{lab.second}: {reason}" if reason else f"{version} runs, nothing was given up"
    table.add(f"damage: {what}", f"a bit flipped: {words}", f"{version} came up at start {start}",
              said)  # fmt: skip


def why_not(machine: Machine, version: str) -> str | None:
    """What the operator is told of a version that does not run, where there is something."""
    said = told(machine)
    given = said["given_up"].get(version, {"reasons": []})
    reasons = [said["bad"].get(version), *(reason["message"] for reason in given["reasons"])]
    return next((reason for reason in reasons if reason), None)
