# SPDX-License-Identifier: Apache-2.0
"""What the kernel's pool costs: copies into it, export, ioctls, fill; beside a floor or a peer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import kernel_guest
from tests.bench.row import Context, Goal, Row, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EMULATED = "inside a guest; when it is emulated only the ratios mean something"
ROUNDS = 5


def _subjects(what: str, *names: str) -> Callable[[Context], Sequence[Subject]]:
    return lambda context: kernel_guest.subjects(context, names, what)


COPY = Row(
    "pool-copy",
    "Copy 16 MiB into the pool",
    {"copy_us": "us"},
    _subjects("copy", "pool", "anonymous memory"),
    [Goal("pool", "copy_us", 1.1, "anonymous memory")],
    rounds=ROUNDS,
    notes=(EMULATED, "target touched before, small pages on both sides; median of 15 a round"),
)
EXPORT = Row(
    "export",
    "Make 1 MiB of the pool a dma-buf and map it",
    {"ready_us": "us"},
    _subjects("export", "EXPORT and mmap", "memfd and mmap"),
    [Goal("EXPORT and mmap", "ready_us", 1.0, "memfd and mmap")],
    rounds=ROUNDS,
    notes=(EMULATED, "memfd: made, sized and mapped with its pages there; median of 15 a round"),
)
IOCTL = Row(
    "ioctl",
    "Calls of the pool",
    {"call_ns": "ns"},
    _subjects("ioctl", "STAT", "FIONREAD", "ALLOC and FREE of a block", "the same by the ring"),
    [
        Goal("STAT", "call_ns", 3.0, "FIONREAD"),
        Goal("the same by the ring", "call_ns", 0.1, "ALLOC and FREE of a block"),
    ],
    rounds=ROUNDS,
    notes=(EMULATED, "FIONREAD of an empty pipe is the floor of an ioctl; median of 15 a round"),
)
FILL = Row(
    "fill",
    "Fill the pool of 256 MiB",
    {"fill_ms": "ms"},
    _subjects("fill", "pool", "anonymous memory"),
    [Goal("pool", "fill_ms", 1.0, "anonymous memory")],
    rounds=ROUNDS,
    notes=(EMULATED, "anonymous memory: the same size, every small page touched; once a boot"),
)
