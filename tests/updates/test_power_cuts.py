# SPDX-License-Identifier: Apache-2.0
"""Power cuts at any write of an update, of the first start after it, and of its blessing.

All writes of one update were logged. From the log the disk is made as a cut at any point may leave
it, lost and torn writes of the disk's cache included. Each such disk is judged by what the boot
loader, the initrd and dm-verity will do with it; some are booted, which shows that the judge is
right. In the end the whole log has to make the disk that the machine had, so that nothing is
missing in it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.support import disk, holes, milestones
from tests.support.machine import Machine
from tests.support.replay import Replay
from tests.support.versions.judge import Judge
from tests.support.write_log import Kind
from tests.updates.first_update import MARKER
from tests.updates.test_broken import come_back

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.attack_table import Table
    from tests.support.write_log import Write
    from tests.updates.conftest import Updated

pytestmark = pytest.mark.guest


def _points(writes: list[Write], first: int, count: int, chance: random.Random) -> list[int]:
    """Return numbers of requests at which to cut: half by chance, half right before a flush."""
    flushes = [n for n in range(first, len(writes)) if writes[n].kind is Kind.FLUSH]
    chosen = {chance.randrange(first, len(writes)) for _ in range(count // 2)}
    chosen.update(chance.sample(flushes, min(count - len(chosen), len(flushes))))
    return sorted(chosen)


@pytest.mark.parametrize("phase", ["update", "trial"])
def test_a_cut_leaves_a_good_version(
    phase: str, updated: Updated, pytestconfig: pytest.Config, table: Table
) -> None:
    lab = updated.lab
    log, base, end = (
        (updated.log, updated.before, updated.after)
        if phase == "update"
        else (updated.trial, updated.after, updated.disk)
    )
    chance = random.Random(pytestconfig.getoption("--seed"))
    begin = updated.marks["begin"] if phase == "update" else 0
    count = pytestconfig.getoption("--cuts") // 2
    seen: dict[str, int] = {}
    judge = Judge(lab)
    target = disk.copy_sparse(base, base.with_name("cut.raw"))
    with Replay(log, target) as replay:
        writes = replay.writes
        first = next(n for n, write in enumerate(writes) if write.at >= begin)
        points = _points(writes, first, count, chance)
        booted = set(
            chance.sample(points, min(len(points), pytestconfig.getoption("--booted-cuts")))
        )
        for point in points:
            with replay.cut(point, chance) as cut:
                found = judge.judge(cut)
                assert found.starts, f"cut before request {point} of {len(writes)}: {found.why}"
                if point in booted:
                    _boot(cut.disk, updated, found.starts)
            seen[found.starts] = seen.get(found.starts, 0) + 1
        replay.forward(len(writes))
    with target.open("rb") as one, end.open("rb") as other:
        assert holes.difference(one.fileno(), other.fileno()) is None
    target.unlink()
    words = ", ".join(f"{version} starts: {number}" for version, number in sorted(seen.items()))
    table.add(f"power cut: {phase}", f"before a request out of {len(writes)}, with lost writes",
              words, f"{len(booted)} of them were booted", len(points))  # fmt: skip


def _boot(cut: Path, updated: Updated, expected: str) -> None:
    machine = Machine("upd-cut", cut)
    machine.forget()
    try:
        come_back(machine, expected, 3)
        assert milestones.facts(machine.verdict())["version"] == expected
        machine.output(f'test "$(cat {MARKER})" = kept')
    finally:
        machine.forget()
