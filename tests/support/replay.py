# SPDX-License-Identifier: Apache-2.0
"""Disks as a power cut at any point of a log of writes may leave them.

A disk with a volatile cache keeps for certain only what was flushed, or written with FUA. Of what
came after the last flush any part may be there, so the state of a cut is: all up to the last flush,
and of the rest a random choice of sectors.

Hundreds of cuts share one disk, which moves on through the log. What is certain is written once;
the rest is written for the time of a cut and taken back.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from tests.support import holes, write_log
from tests.support.write_log import Kind

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.write_log import Write

SECTOR = 512


class Part(NamedTuple):
    """What got to the disk of request ``number``: so many bytes, from an offset on the disk on."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True)
class Cut:
    """A disk after a power cut, to be read only; it is so while the ``with`` block runs."""

    disk: Path
    parts: list[Part]

    def history(self, offset: int, size: int) -> tuple[Part, ...]:
        """All that was written to a range: where two cuts have the same, the content is the same.

        That holds for cuts of one log only.
        """
        end = offset + size
        return tuple(p for p in self.parts if p.offset < end and p.offset + p.size > offset)


class Replay:
    """Moves a disk from before a log through it; that disk is changed."""

    def __init__(self, log: Path, disk: Path) -> None:
        self.writes = write_log.read(log)
        self.disk = disk
        self._log = os.open(log, os.O_RDONLY)
        self._file = os.open(disk, os.O_RDWR)
        self._certain: list[Part] = []
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._log)
        os.close(self._file)

    def forward(self, count: int) -> None:
        """Bring the disk to where the first ``count`` requests, and no others, are certain."""
        if count < self._done:
            raise ValueError(f"{self._done} requests are on the disk, {count} are wanted")
        for number in range(self._done, count):
            part = _whole(number, self.writes[number])
            self._write(part)
            self._certain.append(part)
        self._done = count

    @contextlib.contextmanager
    def cut(self, end: int, chance: random.Random) -> Iterator[Cut]:
        """Give the disk as a power cut after ``end`` requests leaves it; no later cut may be less.

        What others write to it in that time stays: they have to work on copies.
        """
        sure = write_log.certain(self.writes, end)
        self.forward(sure)
        parts: list[Part] = []
        for number in range(sure, end):
            write = self.writes[number]
            parts += [_whole(number, write)] if write.forced else _torn(number, write, chance)
        before: list[tuple[int, int, bytes | None]] = []
        try:
            for part in parts:
                before += self._content(part)
                self._write(part)
            yield Cut(self.disk, self._certain + parts)
        finally:
            for offset, size, content in reversed(before):
                if content is None:
                    holes.zero(self._file, offset, size)
                else:
                    holes.write(self._file, offset, content)

    def _content(self, part: Part) -> list[tuple[int, int, bytes | None]]:
        """What is on the disk where a part will be written: offset, size, and None for a hole."""
        return [
            (offset, size, holes.read(self._file, offset, size) if data else None)
            for offset, size, data in holes.pieces(self._file, part.offset, part.size)
        ]

    def _write(self, part: Part) -> None:
        write = self.writes[part.number]
        if write.kind is Kind.ZERO:
            holes.zero(self._file, part.offset, part.size)
        elif write.kind is Kind.WRITE:
            place = write.data + part.offset - write.offset
            holes.write(self._file, part.offset, holes.read(self._log, place, part.size))


def _whole(number: int, write: Write) -> Part:
    return Part(number, write.offset, write.size)


def _torn(number: int, write: Write, chance: random.Random) -> list[Part]:
    """Return what of a request got to the disk: nothing, all, its beginning or its end."""
    kind = chance.randrange(4)
    cut = chance.randrange(0, write.size // SECTOR + 1) * SECTOR
    if kind == 1:
        return [_whole(number, write)]
    if kind == 2:
        return [Part(number, write.offset, cut)]
    if kind == 3:
        return [Part(number, write.offset + cut, write.size - cut)]
    return []
