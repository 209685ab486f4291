# SPDX-License-Identifier: Apache-2.0
"""What is stored of commits, of their files and of their lines: blocks of columns.

Commits have numbers in the order in which they were read, parents before children. So the number
of a parent is always the smaller one, and one pass over the numbers is a pass over the graph.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_agent.repos.columns import i64, numbers, pack, raw, u8, u32, unpack

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator

#: Commits of a block. A lookup unpacks one; a change rewrites one.
SIZE = 4096
#: What stands for "none" in a column of u32, for a time that git cannot read, and for a time zone.
NONE = 0xFFFFFFFF
NO_TIME = -(2**63)
#: For both counts of a file without lines (binary).
BINARY = NONE

#: State of a commit in a block of files or lines.
DONE, MERGE, FAILED = 0, 1, 2


@dataclass(slots=True)
class Commits:
    """Commits ``first`` to ``first + count - 1``.

    ``time`` and ``authored`` are seconds since 1970 (committer, author), ``zone`` minutes east of
    Greenwich plus 10000 of the author, ``depth`` the longest way to a root, ``start`` where the
    parents of a commit begin in ``parents`` (one entry more than commits), ``subject`` lines.
    """

    first: int
    oids: bytearray
    id_bytes: int
    time: array[int] = field(default_factory=i64)
    authored: array[int] = field(default_factory=i64)
    zone: array[int] = field(default_factory=u32)
    author: array[int] = field(default_factory=u32)
    depth: array[int] = field(default_factory=u32)
    start: array[int] = field(default_factory=lambda: u32([0]))
    parents: array[int] = field(default_factory=u32)
    subject: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.time)

    def oid(self, number: int) -> bytes:
        """Return the id of a commit by its number."""
        at = (number - self.first) * self.id_bytes
        return bytes(self.oids[at : at + self.id_bytes])

    def parents_of(self, number: int) -> list[int]:
        """Return the numbers of its parents."""
        at = number - self.first
        return self.parents[self.start[at] : self.start[at + 1]].tolist()

    def packed(self) -> bytes:
        """Return it as it is stored."""
        return pack(
            {
                "oids": bytes(self.oids), "time": raw(self.time), "authored": raw(self.authored),
                "zone": raw(self.zone), "author": raw(self.author), "depth": raw(self.depth),
                "start": raw(self.start), "parents": raw(self.parents),
                "subject": b"\n".join(self.subject),
            }
        )  # fmt: skip

    @classmethod
    def unpacked(cls, first: int, count: int, id_bytes: int, content: bytes) -> Commits:
        """Read what was stored; ValueError where that is not a block of ``count`` commits."""
        got = unpack(content)
        block = cls(
            first, bytearray(got["oids"]), id_bytes,
            numbers("q", got["time"]), numbers("q", got["authored"]), numbers("I", got["zone"]),
            numbers("I", got["author"]), numbers("I", got["depth"]), numbers("I", got["start"]),
            numbers("I", got["parents"]), got["subject"].split(b"\n"),
        )  # fmt: skip
        lengths = {len(block.time), len(block.authored), len(block.author), len(block.depth)}
        lengths |= {len(block.start) - 1, len(block.subject), len(block.oids) // id_bytes}
        if lengths != {count}:
            raise ValueError("its columns have different lengths")
        return block

    def add(self, other: Commits) -> None:
        """Append the block that follows this one."""
        if other.first != self.first + len(self):
            raise ValueError("the blocks are not neighbours")
        base = len(self.parents)
        self.oids += other.oids
        for name in ("time", "authored", "zone", "author", "depth", "parents"):
            getattr(self, name).extend(getattr(other, name))
        self.start.extend(base + at for at in other.start[1:])
        self.subject += other.subject


@dataclass(slots=True)
class Files:
    """Which files the commits from ``first`` on changed, as git says without and with renames.

    ``state`` and ``count`` have an entry a commit; the other columns one a file. ``status`` is
    git's letter, ``kind`` one of ``KINDS``. Blocks of the first pass have no ``old`` (the path
    before a rename), ``added``, ``deleted`` and ``kind``.
    """

    first: int
    state: array[int] = field(default_factory=u8)
    count: array[int] = field(default_factory=u32)
    path: array[int] = field(default_factory=u32)
    status: array[int] = field(default_factory=u8)
    old: array[int] = field(default_factory=u32)
    added: array[int] = field(default_factory=u32)
    deleted: array[int] = field(default_factory=u32)
    kind: array[int] = field(default_factory=u8)

    def __len__(self) -> int:
        return len(self.state)

    def each(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield number and state of each commit, and from where to where its files are."""
        at = 0
        for number, (state, count) in enumerate(
            zip(self.state, self.count, strict=True), self.first
        ):
            yield number, state, at, at + count
            at += count

    def packed(self) -> bytes:
        """Return it as it is stored."""
        names = ("state", "count", "path", "status", "old", "added", "deleted", "kind")
        return pack({name: raw(getattr(self, name)) for name in names})

    @classmethod
    def unpacked(cls, first: int, count: int, content: bytes) -> Files:
        """Read what was stored; ValueError where that is not a block of ``count`` commits."""
        got = unpack(content)
        block = cls(
            first, numbers("B", got["state"]), numbers("I", got["count"]),
            numbers("I", got["path"]), numbers("B", got["status"]), numbers("I", got["old"]),
            numbers("I", got["added"]), numbers("I", got["deleted"]), numbers("B", got["kind"]),
        )  # fmt: skip
        if len(block.state) != count or len(block.count) != count:
            raise ValueError("its columns have different lengths")
        if sum(block.count) != len(block.path) or len(block.path) != len(block.status):
            raise ValueError("its columns have different lengths")
        return block

    def add(self, other: Files) -> None:
        """Append the block that follows this one."""
        if other.first != self.first + len(self):
            raise ValueError("the blocks are not neighbours")
        for name in ("state", "count", "path", "status", "old", "added", "deleted", "kind"):
            getattr(self, name).extend(getattr(other, name))


#: What a file is, by its mode in the tree (git-fast-import(1) lists the modes).
KINDS = {b"100644": 0, b"100755": 1, b"120000": 2, b"160000": 3}
KIND_NAMES = ("file", "program", "link", "submodule")
