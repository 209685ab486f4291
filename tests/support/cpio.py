# SPDX-License-Identifier: Apache-2.0
"""Reads an initrd: cpio archives (newc) after one another, plain or in zstd frames."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support import programs

_ZSTD = b"\x28\xb5\x2f\xfd"
_NEWC = (b"070701", b"070702")
_HEADER = 110


@dataclass(frozen=True)
class Member:
    """One file of an archive; ``path`` is relative, ``mode`` is st_mode."""

    path: str
    mode: int
    data: bytes

    @property
    def is_file(self) -> bool:
        """Regular file, not a directory, link or device."""
        return stat.S_ISREG(self.mode)


def members(initrd: bytes) -> Iterator[Member]:
    """Yield the members of all archives of an initrd in order."""
    position = 0
    while position < len(initrd):
        if initrd[position] == 0:
            position += 1
        elif initrd[position : position + 6] in _NEWC:
            found, position = _archive(initrd, position)
            yield from found
        elif initrd[position : position + 4] == _ZSTD:
            end = position + _zstd_frame_length(initrd[position:])
            plain = programs.run("zstd", "-dcq", stdin=initrd[position:end]).stdout
            yield from members(plain)
            position = end
        else:
            magic = initrd[position : position + 6].hex()
            raise ValueError(f"offset {position} of the initrd is neither cpio nor zstd: {magic}")


def _archive(data: bytes, position: int) -> tuple[list[Member], int]:
    """Members of the archive at ``position``, and the offset behind its trailer."""
    found: list[Member] = []
    while True:
        header = data[position : position + _HEADER]
        if len(header) < _HEADER or header[:6] not in _NEWC:
            raise ValueError(f"the cpio archive breaks off at offset {position}")
        fields = [int(header[6 + 8 * n : 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name_at = position + _HEADER
        name = data[name_at : name_at + name_size - 1].decode()
        content_at = _aligned(name_at + name_size)
        end = content_at + size
        if end > len(data):
            raise ValueError(f"the cpio archive breaks off inside {name}")
        position = _aligned(end)
        if name == "TRAILER!!!":
            return found, end
        found.append(Member(name.removeprefix("./"), mode, data[content_at:end]))


def _aligned(offset: int) -> int:
    return offset + -offset % 4


def _zstd_frame_length(frame: bytes) -> int:
    """Bytes of the zstd frame (RFC 8878, section 3.1.1) at the start of ``frame``.

    The length is not in the header: it is the end of the block that is marked as the last.
    """
    descriptor = frame[4]
    single_segment = bool(descriptor & 0x20)
    content_size = (1 if single_segment else 0, 2, 4, 8)[descriptor >> 6]
    dictionary = (0, 1, 2, 4)[descriptor & 3]
    position = 5 + (0 if single_segment else 1) + dictionary + content_size
    while True:
        block = int.from_bytes(frame[position : position + 3], "little")
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        # A run-length block (kind 1) stores one byte, whatever its size says.
        position += 3 + (1 if kind == 1 else size)
        if position > len(frame):
            raise ValueError("the zstd frame breaks off")
        if last:
            return position + (4 if descriptor & 4 else 0)
