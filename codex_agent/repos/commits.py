# SPDX-License-Identifier: Apache-2.0
"""Commits for a reader: the first screen, pages, and the whole graph as columns."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.repos.blocks import NO_TIME, NONE, Commits
from codex_agent.repos.columns import i64, pack, raw, u32
from codex_agent.repos.cursors import Cursor, parse
from codex_agent.repos.errors import QuestionError
from codex_agent.repos.git import spool
from codex_agent.repos.graph import LOG, ZONE_BASE, number_or, records, zone
from codex_agent.repos.limits import QUESTION, page
from codex_agent.repos.people import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codex_agent.repos.cancel import Cancel
    from codex_agent.repos.history import History
    from codex_agent.repos.marks import Marks
    from codex_agent.repos.people import People


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. Times are seconds since 1970, None where the commit has none that can be read.

    ``depth``, ``branch`` and ``number`` are None until the whole graph was read.
    """

    oid: str
    parents: tuple[str, ...]
    author: str
    email: str
    time: int | None
    authored: int | None
    zone_minutes: int | None
    subject: str
    depth: int | None
    branch: str | None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Commits, how many there are in all, and where the next page begins."""

    commits: list[Commit]
    total: int
    next: str | None


def first_screen(history: History, limit: int, cancel: Cancel | None = None) -> list[Commit]:
    """Return the newest commits at once, without waiting for the whole graph.

    Once the graph was read they come from the store, in its order; before that from git, newest
    first.
    """
    limit = page(limit)
    if history.store.count:
        return pages(history, limit).commits
    tips = history.live_refs(cancel).tips()
    if not tips:
        return []
    given = "".join(f"{tip}\n" for tip in tips).encode()
    found: list[Commit] = []
    args = [*LOG, f"--max-count={limit}", "--ignore-missing", "--stdin"]
    git = history.cache.git
    with (
        spool(given) as stdin,
        git.stream(args, stdin=stdin, limits=QUESTION, cancel=cancel) as run,
    ):
        for columns in records(run.parts()):
            found += map(_of_git, zip(*columns, strict=True))
    return found


def _of_git(row: tuple[bytes, ...]) -> Commit:
    oid, parents, name, email, time, authored, zone_, subject = row
    return Commit(
        oid.decode(), tuple(parents.decode().split()), text(name), text(email),
        _time(number_or(time, NO_TIME)), _time(number_or(authored, NO_TIME)), _zone(zone(zone_)),
        text(subject[:500]), None, None,
    )  # fmt: skip


def _time(value: int) -> int | None:
    return None if value == NO_TIME else value


def _zone(value: int) -> int | None:
    return None if value == NONE else value - ZONE_BASE


def pages(
    history: History, limit: int, cursor: str | None = None, people: People | None = None, *,
    skip: int = 0,
) -> Page:  # fmt: skip
    """Return a page of commits, children first, after the ``skip`` first ones.

    A history that has grown since the cursor was handed out only has more before it; one of which
    commits were taken away meanwhile goes on after the same commit.
    """
    limit = page(limit)
    store = history.store
    marks = history.marks()
    if marks is None:
        return Page([], 0, None)
    number = len(marks.branch) - 1
    if cursor is not None:
        at = parse(cursor, history.id)
        if at.generation > store.generation or at.number > number:
            raise QuestionError("This cursor is of a later time.", "Begin without one.")
        number = at.number
    total = len(marks.branch) - marks.branch.count(NONE)
    found: list[Commit] = []
    if skip >= total:
        number = -1
    elif skip and total == len(marks.branch):
        number -= skip
    else:
        while number >= 0 and skip:
            skip -= marks.branch[number] != NONE
            number -= 1
    reader = Reader(history, people)
    while number >= 0 and len(found) < limit:
        if marks.branch[number] != NONE:
            found.append(reader.commit(number))
        number -= 1
    while number >= 0 and marks.branch[number] == NONE:
        number -= 1
    more = str(Cursor(history.id, store.generation, number)) if number >= 0 else None
    return Page(found, total, more)


class Reader:
    """Makes commits of numbers; keeps the block that it read last."""

    def __init__(self, history: History, people: People | None = None) -> None:
        self._store = history.store
        self._marks = history.marks()
        self._people = people
        self._authors = history.store.authors()
        self._blocks: dict[int, Commits] = {}

    def _block(self, number: int) -> Commits:
        for block in self._blocks.values():
            if block.first <= number < block.first + len(block):
                return block
        first = self._store.holding("commits", number)
        if first is None:
            raise QuestionError(f"There is no commit {number}.", "Begin without a cursor.")
        if len(self._blocks) > 8:
            self._blocks.clear()
        self._blocks[first] = self._store.block("commits", first)
        return self._blocks[first]

    def oid(self, number: int) -> str:
        """Return the id of a commit in hexadecimal digits."""
        return self._block(number).oid(number).hex()

    def commit(self, number: int) -> Commit:
        """Return a commit by its number."""
        block = self._block(number)
        at = number - block.first
        author = block.author[at]
        if self._people is not None:
            person = self._people.persons[self._people.of[author]]
            name, email = person.name, person.email
        else:
            name, email = map(text, self._authors[author])
        branch = None
        if self._marks is not None and self._marks.branch[number] != NONE:
            branch = self._marks.names[self._marks.branch[number]]
        return Commit(
            block.oid(number).hex(), tuple(self.oid(p) for p in block.parents_of(number)),
            name, email, _time(block.time[at]), _time(block.authored[at]), _zone(block.zone[at]),
            text(block.subject[at]), block.depth[at], branch, number,
        )  # fmt: skip


def stream(
    history: History, people: People, *, ids: bool = False,
    marks: Marks | None = None, more: Mapping[str, object] | None = None,
) -> Iterator[bytes]:  # fmt: skip
    """Yield the graph for a page: one run of columns (``columns.py``) a block, children first.

    Each begins with its length (u32). ``about`` (JSON) comes with the first: names of branches and
    authors, how many commits follow, and ``more``. ``run`` (JSON) says the ``first`` number and the
    ``count`` of commits of a run, which are in ascending order. Columns, one entry a commit unless
    said:

    - ``time`` i64, seconds since 1970; ``author`` and ``branch`` u32, places in ``about``
    - ``rise`` i32, depth less that of the commit before (of the first: its depth)
    - ``parents`` u32, how many; ``back`` u32, for each parent: number of the commit less its own
    - ``number`` u32, only where commits are left out that no ref reaches
    - ``oid`` raw, only if ``ids``: they cannot be packed, and are most of the bytes
    """
    marks = history.marks() if marks is None else marks
    if marks is None:
        return
    about = {
        "generation": history.store.generation,
        "total": len(marks.branch) - marks.branch.count(NONE),
        "branches": [
            name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            for name in marks.names
        ],
        "authors": [[person.name, person.email] for person in people.persons],
        "no_time": str(NO_TIME),
        **(more or {}),
    }
    head = {"about": json.dumps(about).encode()}
    for block in history.store.each("commits"):
        branch = marks.branch[block.first : block.first + len(block)]
        content = pack({**head, **_run(block, branch, people, ids=ids)})
        head = {}
        yield len(content).to_bytes(4, "little") + content
    if head:
        content = pack({**head, "run": b'{"first": 0, "count": 0}'})
        yield len(content).to_bytes(4, "little") + content


def _run(block: Commits, branch: array[int], people: People, *, ids: bool) -> dict[str, bytes]:
    of, first, start = people.of, block.first, block.start
    seen = [at for at, label in enumerate(branch) if label != NONE]
    depths = [block.depth[at] for at in seen]
    rise = array("i", [now - then for then, now in zip([0, *depths], depths, strict=False)])
    back = [
        first + at - parent for at in seen for parent in block.parents[start[at] : start[at + 1]]
    ]
    columns = {
        "run": json.dumps({"first": first, "count": len(seen)}).encode(),
        "time": raw(i64([block.time[at] for at in seen])),
        "author": raw(u32([of[block.author[at]] for at in seen])),
        "branch": raw(u32([branch[at] for at in seen])),
        "rise": raw(rise),
        "parents": raw(u32([start[at + 1] - start[at] for at in seen])),
        "back": raw(u32(back)),
    }
    if len(seen) != len(block):
        columns["number"] = raw(u32([first + at for at in seen]))
    if ids:
        columns["oid"] = b"".join([block.oid(first + at) for at in seen])
    return columns
