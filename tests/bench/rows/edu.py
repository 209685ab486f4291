# SPDX-License-Identifier: Apache-2.0
"""Transfers of one and of two `edu` devices against the 100 ms that the device takes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import kernel_guest
from tests.bench.row import Context, Goal, Row, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ("one device", "two devices")
DEVICE = "edu,dma_mask=0xffffffffffffffff"


def _subjects(context: Context) -> Sequence[Subject]:
    return kernel_guest.subjects(context, NAMES, "edu", ["-device", DEVICE, "-device", DEVICE])


ROW = Row(
    "edu",
    "A transfer of 4 KiB, ten in a queue",
    {"transfer_ms": "ms"},
    _subjects,
    [Goal("one device", "transfer_ms", 110), Goal("two devices", "transfer_ms", 55)],
    rounds=5,
    notes=(
        "the device takes 100 ms for each transfer by its own timer, so 100 ms is the floor",
        "two devices work at the same time: wall time over the transfers of both, floor 50 ms",
    ),
)
