# SPDX-License-Identifier: Apache-2.0
"""Take a block of 4 KiB and give it back: the free ring against what else could serve."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.bench import compiled
from tests.bench.row import Context, Figures, Goal, Row, Subject

if TYPE_CHECKING:
    from pathlib import Path

#: Time of each of the 16 cases of one subject in one round.
CASE_MS = 50
KEEPS = (32, 128, 512, 4096)
BULKS = (1, 32)
THREADS = (1, 2)
#: Name, source below programs/pool, options of gcc.
SUBJECTS = (
    ("ours", "ring.c", ()),
    ("ours, as addresses", "ring.c", ("-DADDRESSES",)),
    ("DPDK-like ring", "dpdk_like.c", ()),
    ("lock-free stack", "stack.c", ()),
    ("mutex and stack", "mutex.c", ()),
    ("malloc(4096)", "malloc.c", ()),
    ("two ioctls", "ioctl.c", ()),
)
LIMITS_NS = {1: 20.0, 2: 40.0}


def _name(threads: int, keep: int, bulk: int) -> str:
    return f"t{threads}_keep{keep}_bulk{bulk}"


CASES = tuple((t, k, b) for t in THREADS for k in KEEPS for b in BULKS)


def _subjects(context: Context) -> list[Subject]:
    def subject(number: int, name: str, source: str, options: tuple[str, ...]) -> Subject:
        built = compiled.program(context, f"pool/{number}", [f"pool/{source}"], *options)
        return Subject(name, lambda: _take(context, built))

    return [subject(number, *words) for number, words in enumerate(SUBJECTS)]


def _take(context: Context, program: Path) -> Figures:
    found: dict[str, float] = json.loads(context.tree.output([program, str(CASE_MS)]))
    if set(found) != {_name(*case) for case in CASES}:
        raise ValueError("the program did not give the figures that it should")
    return found


ROW = Row(
    "pool",
    "Take and give a block of 4 KiB",
    {_name(*case): "ns" for case in CASES},
    _subjects,
    [
        *(Goal("ours", _name(*case), LIMITS_NS[case[0]]) for case in CASES),
        *(Goal("ours", _name(*case), 1.0, "DPDK-like ring") for case in CASES),
    ],
    rounds=9,
    quick=True,
    notes=(
        "method of DPDK's mempool_perf: t threads take `keep` blocks in steps of `bulk` and give",
        "them back in shuffled order; CPU time of a thread for one block taken and given",
        "cache of a thread: ours up to 1920 blocks; DPDK-like 512, emptied at 768 as rte_mempool's",
        "ours names blocks by number; `as addresses` turns them into addresses and back as well",
        "two ioctls: FIONREAD of an empty pipe, which allocates nothing: a floor, not an allocator",
        "two threads meet only while both run: on a shared machine too seldom",
    ),
)
