# SPDX-License-Identifier: Apache-2.0
"""Files with holes, which read as zeros: what is data in them, and what keeps the holes.

A file descriptor stands for the file; nothing but the standard library is used, so that the plugin
of nbdkit can import it.
"""

import errno
import os
from collections.abc import Iterator

_STEP = 4 << 20
_ZEROS = bytes(_STEP)


def pieces(file: int, start: int, size: int) -> Iterator[tuple[int, int, bool]]:
    """Yield offset, size and whether there is data for the pieces that a range consists of."""
    at, end = start, start + size
    while at < end:
        data = _seek_data(file, at, end)
        if data > at:
            yield at, data - at, False
        at = data
        if at < end:
            hole = min(os.lseek(file, at, os.SEEK_HOLE), end)
            yield at, hole - at, True
            at = hole


def blocks(file: int, start: int, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield the data of a range with its offset, in blocks of some MiB; holes are left out."""
    for at, length, data in pieces(file, start, size):
        for offset in range(at, at + length, _STEP) if data else ():
            yield offset, read(file, offset, min(_STEP, at + length - offset))


def read(file: int, offset: int, size: int) -> bytes:
    """Return so many bytes, which have to be there."""
    found = os.pread(file, size, offset)
    if len(found) != size:
        raise EOFError(f"{len(found)} bytes instead of {size} at {offset}")
    return found


def write(file: int, offset: int, content: bytes | bytearray) -> None:
    """Write all of it."""
    left = memoryview(content)
    while left:
        done = os.pwrite(file, left, offset)
        left, offset = left[done:], offset + done


def zero(file: int, start: int, size: int) -> None:
    """Have a range read as zeros; its holes stay holes."""
    for offset, content in blocks(file, start, size):
        write(file, offset, bytes(len(content)))


def copy(source: int, offset: int, size: int, target: int) -> None:
    """Copy a range to the beginning of an empty file, which gets the size of the range."""
    for at, content in blocks(source, offset, size):
        # A comparison ends at the first byte that differs; counting zeros would look at all.
        if content != (_ZEROS if len(content) == _STEP else bytes(len(content))):
            write(target, at - offset, content)
    os.truncate(target, size)


def difference(one: int, other: int) -> int | None:
    """Return the offset of a block in which two files of one size differ, None when none does."""
    size = os.fstat(one).st_size
    if os.fstat(other).st_size != size:
        raise ValueError("the files are not of one size")
    for first, second in ((one, other), (other, one)):
        for offset, content in blocks(first, 0, size):
            if read(second, offset, len(content)) != content:
                return offset
    return None


def _seek_data(file: int, at: int, end: int) -> int:
    """Where the next data is; ``end`` when there is none before it."""
    try:
        return min(os.lseek(file, at, os.SEEK_DATA), end)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return end
