# SPDX-License-Identifier: Apache-2.0
"""Every write that a guest made to its disk, in order, and what a power cut at any point leaves.

QEMU's ``blklogwrites`` driver writes the format of the kernel's dm-log-writes
(Documentation/admin-guide/device-mapper/log-writes.rst): one sector of head, then for each request
a sector that describes it and its data.

A disk with a volatile cache keeps for certain only what was flushed, or written with FUA. Of what
came after the last flush any part may be there, so a cut state is: all up to the last flush, and of
the rest a random choice of sectors.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

SECTOR = 512
_MAGIC = 0x6A736677736872
_HEAD = struct.Struct("<QQQI")
_ENTRY = struct.Struct("<QQQQ")
_FLUSH, _FUA, _DISCARD, _MARK = 1, 2, 4, 8


@dataclass(frozen=True)
class Write:
    """One request; ``data`` is where its content begins in the log, None for a discard."""

    offset: int
    size: int
    flush: bool
    forced: bool
    data: int | None


def read(log: Path) -> list[Write]:
    """Return all requests that are whole in a log, whose writer may have been killed."""
    found = []
    end = log.stat().st_size
    with log.open("rb") as file:
        magic, version, _, sector = _HEAD.unpack(file.read(_HEAD.size))
        if (magic, version) != (_MAGIC, 1):
            raise AssertionError(f"{log} is not a log of writes")
        at = sector
        while at + sector <= end:
            file.seek(at)
            block, blocks, flags, _ = _ENTRY.unpack(file.read(_ENTRY.size))
            at += sector
            size = blocks * SECTOR
            plain = not flags & (_DISCARD | _MARK)
            if plain and at + size > end:
                break
            if not flags & _MARK:
                found.append(
                    Write(
                        block * SECTOR,
                        size,
                        bool(flags & _FLUSH),
                        bool(flags & _FUA),
                        at if plain else None,
                    )
                )
            if plain:
                at += size
    return found


def certain(writes: list[Write], end: int) -> int:
    """Return how many of the first ``end`` requests a flush among them has made certain."""
    return next((n for n in range(end - 1, -1, -1) if writes[n].flush), 0)


def replay(log: Path, writes: list[Write], disk: Path, end: int, chance: random.Random) -> None:
    """Bring a disk from before the log to a state of a power cut after ``end`` requests."""
    sure = certain(writes, end)
    with log.open("rb") as source, disk.open("r+b") as target:
        for number, write in enumerate(writes[:end]):
            if not write.size:
                continue
            whole = number < sure or write.forced
            for start, size in [(0, write.size)] if whole else _torn(write.size, chance):
                target.seek(write.offset + start)
                if write.data is None:
                    target.write(bytes(size))
                else:
                    source.seek(write.data + start)
                    target.write(source.read(size))


def _torn(size: int, chance: random.Random) -> Iterator[tuple[int, int]]:
    """Yield the parts of a request that got to the disk: none, all, its beginning or its end."""
    kind = chance.randrange(4)
    cut = chance.randrange(0, size // SECTOR + 1) * SECTOR
    if kind == 1:
        yield 0, size
    elif kind == 2 and cut:
        yield 0, cut
    elif kind == 3 and cut < size:
        yield cut, size - cut
