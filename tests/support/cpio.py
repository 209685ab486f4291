# SPDX-License-Identifier: Apache-2.0
"""Reads an initrd: cpio archives (newc) after one another, plain or in zstd frames. Writes some."""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

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


def archive(files: Iterable[Member]) -> bytes:
    """Return a plain archive, owned by root, with the folders that its files lie in.

    The kernel unpacks it over what is there already, and a folder in place of a link replaces the
    link: name files by the paths that they really have.
    """
    found = {member.path: member for member in files}
    folders = {str(parent) for path in found for parent in PurePosixPath(path).parents} - {"."}
    every = {path: Member(path, stat.S_IFDIR | 0o755, b"") for path in folders - found.keys()}
    # Sorted, a folder comes before what lies in it.
    members = [*sorted((every | found).values(), key=lambda member: member.path)]
    content = b"".join(_written(n, member) for n, member in enumerate(members, start=1))
    return content + _written(0, Member("TRAILER!!!", 0, b""))


def _written(number: int, member: Member) -> bytes:
    name = member.path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(member.mode) else 1
    # Number, mode, owner, group, links, time, size, four numbers of devices, length of the name, 0.
    size = len(member.data)
    fields = (number, member.mode, 0, 0, links, 0, size, 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return head.ljust(_aligned(len(head)), b"\0") + member.data.ljust(_aligned(size), b"\0")


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
