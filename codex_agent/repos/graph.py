# SPDX-License-Identifier: Apache-2.0
"""The first pass: every commit with its parents, author, times and subject, by one ``git log``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.repos.blocks import NO_TIME, NONE, SIZE, Commits
from codex_agent.repos.errors import DamagedError
from codex_agent.repos.git import spool
from codex_agent.repos.limits import PASS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_agent.repos.cache import Cache
    from codex_agent.repos.cancel import Cancel
    from codex_agent.repos.store import Store

#: A field a NUL, and ``-z`` ends a record with one: no commit can hold it.
FIELDS = ("%H", "%P", "%an", "%ae", "%ct", "%at", "%ad", "%s")
FORMAT = "--format=tformat:" + "%x00".join(FIELDS)
LOG = ("log", "-z", FORMAT, "--date=format:%z", "--encoding=UTF-8", "--no-color")
_SUBJECT_MAX = 500
ZONE_BASE = 10_000

Record = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]


def records(parts: Iterator[bytes]) -> Iterator[list[list[bytes]]]:
    """Yield what git log said so far as columns, one list a field."""
    width = len(FIELDS)
    rest = b""
    for part in parts:
        tokens = (rest + part).split(b"\0")
        whole = (len(tokens) - 1) // width * width
        rest = b"\0".join(tokens[whole:])
        if whole:
            yield [tokens[at:whole:width] for at in range(width)]
    if rest:
        raise DamagedError("The list of commits ends in the middle of one.", "git fsck")


def number_or(word: bytes, otherwise: int) -> int:
    """Read a number that a broken commit may lack."""
    try:
        value = int(word)
    except ValueError:
        return otherwise
    return value if -(2**62) < value < 2**62 else otherwise


def zone(word: bytes) -> int:
    """Return minutes east of Greenwich plus ``ZONE_BASE``; NONE for what is not ``±hhmm``."""
    digits = word[1:]
    if len(word) != 5 or word[:1] not in (b"+", b"-") or not digits.isdigit():
        return NONE
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return ZONE_BASE + (minutes if word[:1] == b"+" else -minutes)


class _Writer:
    """Gives numbers to commits, parents first, and writes them block by block."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next = self.began = store.count
        self._known: dict[bytes, int] = {}
        self._depths: list[int] = []
        self._old_depths: dict[int, int] = {}
        self._authors = {pair: at for at, pair in enumerate(store.authors())}
        self._first_author = len(self._authors)
        self._zones: dict[bytes, int] = {}
        self._block = self._new_block()

    def _new_block(self) -> Commits:
        return Commits(self._next, bytearray(), self._store.id_bytes)

    def take(self, columns: list[list[bytes]]) -> None:
        """Add commits; those that are stored already are left out."""
        if self.began:
            columns = self._without_known(columns)
        hexes, parents, names, emails, times, authored, zones, subjects = columns
        at = 0
        while at < len(hexes):
            end = min(len(hexes), at + SIZE - len(self._block))
            block = self._block
            joined = bytes.fromhex(b"".join(hexes[at:end]).decode())
            block.oids += joined
            self._graph(hexes[at:end], parents[at:end])
            authors, known = self._authors, self._authors.setdefault
            block.author.extend(
                [
                    known(pair, len(authors))
                    for pair in zip(names[at:end], emails[at:end], strict=True)
                ]
            )
            try:
                block.time.extend(list(map(int, times[at:end])))
                block.authored.extend(list(map(int, authored[at:end])))
            except (ValueError, OverflowError):
                del block.time[len(block.subject) :], block.authored[len(block.subject) :]
                block.time.extend([number_or(word, NO_TIME) for word in times[at:end]])
                block.authored.extend([number_or(word, NO_TIME) for word in authored[at:end]])
            for word in set(zones[at:end]) - self._zones.keys():
                self._zones[word] = zone(word)
            block.zone.extend([self._zones[word] for word in zones[at:end]])
            block.subject += [word[:_SUBJECT_MAX].replace(b"\n", b" ") for word in subjects[at:end]]
            at = end
            if len(block) == SIZE:
                self.flush()

    def _graph(self, hexes: Sequence[bytes], parents: Sequence[bytes]) -> None:
        block, known, depths, began = self._block, self._known, self._depths, self.began
        number = self._next
        for oid, words in zip(hexes, parents, strict=True):
            known[oid] = number
            if words:
                depth = 0
                for word in words.split():
                    parent = known.get(word)
                    if parent is None:
                        parent = self._stored(word)
                    block.parents.append(parent)
                    above = depths[parent - began] if parent >= began else self._old_depths[parent]
                    if above >= depth:
                        depth = above + 1
            else:
                depth = 0
            depths.append(depth)
            block.start.append(len(block.parents))
            number += 1
        block.depth.extend(depths[self._next - began :])
        self._next = number

    def _stored(self, word: bytes) -> int:
        """Return the number of a parent that was stored before, and note its depth."""
        number = self._store.numbers([bytes.fromhex(word.decode())]).get(
            bytes.fromhex(word.decode())
        )
        if number is None:
            raise DamagedError(f"The parent {word.decode()} was never listed.", "git fsck")
        first = self._store.holding("commits", number)
        if first is None:
            raise DamagedError(f"The commit {word.decode()} is in no block.", "git fsck")
        block = self._store.block("commits", first)
        self._old_depths[number] = block.depth[number - first]
        self._known[word] = number
        return number

    def _without_known(self, columns: list[list[bytes]]) -> list[list[bytes]]:
        ids = [bytes.fromhex(word.decode()) for word in columns[0]]
        have = self._store.numbers(ids)
        if not have:
            return columns
        keep = [at for at, oid in enumerate(ids) if oid not in have]
        return [[column[at] for at in keep] for column in columns]

    def flush(self) -> None:
        if len(self._block):
            self._store.put("commits", self._block)
            self._block = self._new_block()

    def finish(self) -> int:
        """Write what is left and the indices; returns the number of commits in the store."""
        self.flush()
        store, began = self._store, self.began
        fresh = sorted(
            (bytes.fromhex(oid.decode()), number)
            for oid, number in self._known.items()
            if number >= began
        )
        store.db.executemany("INSERT INTO ids VALUES (?, ?)", fresh)
        added = list(self._authors.items())[self._first_author :]
        store.db.executemany(
            "INSERT INTO authors VALUES (?, ?, ?)", [(at, n, e) for (n, e), at in added]
        )
        store.set_fact("count", str(self._next))
        return self._next


def read(
    store: Store,
    cache: Cache,
    tips: Sequence[str],
    without: Sequence[str],
    cancel: Cancel | None = None,
) -> int:
    """Store what is reachable from ``tips`` and not from ``without``; only inside of ``writing``.

    Returns how many commits there are then. What is in ``without`` and is not there any more (after
    a forced push and a collection of garbage) is passed over.
    """
    if not tips:
        return store.count
    writer = _Writer(store)
    given = "".join([f"{tip}\n" for tip in tips] + [f"^{tip}\n" for tip in without]).encode()
    # Options count for what follows them, so the list of tips comes last.
    args = [*LOG, "--topo-order", "--reverse", "--ignore-missing", "--stdin"]
    with (
        spool(given) as stdin,
        cache.git.stream(args, stdin=stdin, limits=PASS, cancel=cancel) as run,
    ):
        for columns in records(run.parts()):
            writer.take(columns)
    return writer.finish()
