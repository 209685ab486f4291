# SPDX-License-Identifier: Apache-2.0
"""A log of all requests that changed a disk, in the order in which they were answered.

The plugin of the recorder writes it (recorder_plugin.py), replay.py makes disks of it. Each request
is a head of fixed size, behind which a write has its data. Nothing but the standard library is used
here, so that the plugin can import it.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MARK = b"req:"
#: Mark, kind, whether it was forced, offset, size.
_HEAD = struct.Struct("<4sB?2xQQ")


class Kind(IntEnum):
    """What was asked for; to discard a range leaves zeros, as to write zeros does."""

    WRITE = 1
    ZERO = 2
    FLUSH = 3


@dataclass(frozen=True)
class Write:
    """One request; ``at`` is where its head is in the log, ``forced`` that it had FUA."""

    kind: Kind
    offset: int
    size: int
    forced: bool
    at: int

    @property
    def data(self) -> int:
        """Where the data of a write is in the log."""
        return self.at + _HEAD.size


def append(
    log: int,
    kind: Kind,
    offset: int = 0,
    size: int = 0,
    *,
    forced: bool = False,
    data: bytes | bytearray = b"",
) -> None:
    """Write a request to the end of a log that is open for that."""
    left = memoryview(_HEAD.pack(_MARK, kind, forced, offset, size) + data)
    while left:
        left = left[os.write(log, left) :]


def read(log: Path) -> list[Write]:
    """Return all requests that are whole in a log, whose writer may have been killed."""
    found = []
    at, end = 0, log.stat().st_size
    with log.open("rb") as file:
        while at + _HEAD.size <= end:
            file.seek(at)
            mark, kind, forced, offset, size = _HEAD.unpack(file.read(_HEAD.size))
            if mark != _MARK:
                raise AssertionError(f"{log} is not a log of writes at byte {at}")
            write = Write(Kind(kind), offset, size, forced, at)
            at = write.data + (size if write.kind is Kind.WRITE else 0)
            if at > end:
                break
            found.append(write)
    return found


def certain(writes: list[Write], end: int) -> int:
    """Return how many of the first ``end`` requests a flush among them has made certain."""
    flushes = (n for n in range(end - 1, -1, -1) if writes[n].kind is Kind.FLUSH)
    return next(flushes, 0)
