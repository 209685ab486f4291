# SPDX-License-Identifier: Apache-2.0
"""Where commits stand in space and time: lane of the branch, seconds, depth, and a colour."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from codex_agent.repos.blocks import NO_TIME, NONE
from codex_agent.repos.commits import Commit, Reader

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Sequence

    from codex_agent.repos.history import History
    from codex_agent.repos.marks import Marks
    from codex_agent.repos.people import People

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATES = (-62_135_596_800, 253_402_300_799)  # years 1 and 9999: what lies outside has no date
_PREFIXES = (("refs/heads/", ""), ("refs/remotes/", ""), ("refs/tags/", "tags/"))


@dataclass(frozen=True, slots=True)
class Commit3D:
    """A commit in the scene.

    ``x`` is the lane of its branch, ``y`` seconds since the oldest commit, ``z`` the longest way to
    a root. Null until the graph was read: ``number``, ``branch``, ``x`` and ``z``.
    """

    sha: str
    number: int | None
    message: str
    author: str
    author_email: str
    timestamp: str | None
    branch: str | None
    parents: tuple[str, ...]
    x: int | None
    y: int | None
    z: int | None
    color: str


def moment(seconds: int | None) -> str | None:
    """Return seconds since 1970 as RFC 3339 in UTC; None for what is no date."""
    if seconds is None or not _DATES[0] <= seconds <= _DATES[1]:
        return None
    return (_EPOCH + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def hue(email: str) -> int:
    """Return 0 to 359 from an address; the same one for the same person on every host."""
    digest = hashlib.sha256(email.lower().encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:2], "big") % 360


def clean(text: str) -> str:
    """Return a name of git as text: bytes that are no UTF-8 are shown as such."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def short(name: str) -> str:
    """Return the name of a ref as people say it."""
    for prefix, shown in _PREFIXES:
        if name.startswith(prefix):
            return clean(shown + name.removeprefix(prefix))
    return clean(name)


def labels(names: Iterable[str]) -> list[str]:
    """Return short names; one that was given away already keeps its whole name."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        shown = short(name)
        if shown in taken:
            shown = clean(name)
        taken.add(shown)
        found.append(shown)
    return found


class Scene:
    """One generation of a history: who, which lane, and since when. Made once, asked often."""

    def __init__(self, history: History) -> None:
        self.generation = history.store.generation
        self.birth = history.store.birth
        # In this order: whoever made a commit that the marks know is known as well.
        marks = history.marks()
        self.marks: Marks | None = marks
        self.people: People = history.people()
        self.names: list[str] = labels(marks.names) if marks is not None else []
        self.lanes: list[int | None] = _lanes(marks)
        self.total = 0 if marks is None else len(marks.branch) - marks.branch.count(NONE)
        self.first_time = _first_time(history, marks)
        self.hues = [hue(person.email) for person in self.people.persons]
        self._lane_of = {
            full: (self.names[at], self.lanes[at])
            for at, full in enumerate(marks.names if marks is not None else [])
        }

    def commit(self, found: Commit) -> Commit3D:
        """Place a commit that was read with the people of this scene."""
        branch, lane = self._lane_of.get(found.branch or "", (None, None))
        seconds = None
        if found.time is not None and self.first_time is not None:
            seconds = found.time - self.first_time
        return Commit3D(
            sha=found.oid, number=found.number, message=found.subject, author=found.author,
            author_email=found.email, timestamp=moment(found.time), branch=branch,
            parents=found.parents, x=lane, y=seconds, z=found.depth,
            color=f"hsl({hue(found.email)}, 70%, 60%)",
        )  # fmt: skip

    def commits(self, history: History, numbers: Sequence[int]) -> list[Commit3D]:
        """Return commits by number; those that no ref reaches are left out."""
        if self.marks is None:
            return []
        reader = Reader(history, self.people)
        count = len(self.marks.branch)
        return [
            self.commit(reader.commit(number))
            for number in numbers
            if 0 <= number < count and self.marks.branch[number] != NONE
        ]

    def about(self, repo: str) -> dict[str, object]:
        """Return what comes with the columns of the graph."""
        return {
            "repo": repo, "birth": self.birth, "generation": self.generation, "total": self.total,
            "first_time": self.first_time, "branches": self.names, "lanes": self.lanes,
            "authors": [[person.name, person.email] for person in self.people.persons],
            "hues": self.hues, "no_time": str(NO_TIME),
        }  # fmt: skip


def _lanes(marks: Marks | None) -> list[int | None]:
    if marks is None:
        return []
    owners = set(marks.branch)
    found: list[int | None] = []
    lane = 0
    for label in range(len(marks.names)):
        found.append(lane if label in owners else None)
        lane += label in owners
    return found


def _first_time(history: History, marks: Marks | None) -> int | None:
    """Return the committer time of the oldest commit that a ref reaches."""
    if marks is None:
        return None
    whole = NONE not in marks.branch
    oldest: int | None = None
    for first, count in history.store.spans("commits"):
        times = history.store.times(first)
        if whole and NO_TIME not in times:
            least = min(times)
        else:
            seen = [
                time
                for time, label in zip(times, marks.branch[first : first + count], strict=False)
                if label != NONE and time != NO_TIME
            ]
            if not seen:
                continue
            least = min(seen)
        oldest = least if oldest is None else min(oldest, least)
    return oldest


def at_time(history: History, number: int, until: int) -> int | None:
    """Return the newest first parent of a commit, or itself, that was made until then.

    First parents are what a branch was; None where there is none that old.
    """
    graph = history.graph()
    held: tuple[int, int, array[int]] | None = None
    while True:
        if held is None or not held[0] <= number < held[0] + held[1]:
            first = history.store.holding("commits", number)
            if first is None:
                return None
            times = history.store.times(first)
            held = first, len(times), times
        time = held[2][number - held[0]]
        if time != NO_TIME and time <= until:
            return number
        at = graph.start[number]
        if at == graph.start[number + 1]:
            return None
        number = graph.parents[at]
