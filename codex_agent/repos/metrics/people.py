# SPDX-License-Identifier: Apache-2.0
"""Who knows which files, and how many may leave before nobody knows most of them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.repos.blocks import NONE
from codex_agent.repos.metrics.facts import Basis, basis, each

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from codex_agent.repos.history import History
    from codex_agent.repos.people import People


@dataclass(frozen=True, slots=True)
class Owner:
    """Shares of persons in what was added to a file, the largest first; they sum up to 1."""

    path: bytes
    shares: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class BusFactor:
    """``persons``: who would have to go, in this order; ``files`` were looked at."""

    persons: tuple[int, ...]
    files: int


@dataclass(slots=True)
class _File:
    weight: Counter[int]
    changes: Counter[int]
    creator: int | None = None


def _collect(history: History, people: People) -> tuple[dict[int, _File], Basis]:
    """Gather per file who changed it; what a file had before a rename goes with it."""
    found: dict[int, _File] = defaultdict(lambda: _File(Counter(), Counter()))
    later: dict[int, int] = {}
    commits = 0
    counted = basis(history, 0).lines
    for commit in each(history, people):
        commits += 1
        for (path, old, added, _), status in zip(commit.files, commit.statuses, strict=True):
            name = path
            for _ in range(64):  # a chain of renames; a circle of them ends as well
                if name not in later:
                    break
                name = later[name]
            entry = found[name]
            entry.changes[commit.person] += 1
            entry.weight[commit.person] += added if counted else 1
            if status == ord("A"):
                # Newest first: the last one to be met here is the oldest.
                entry.creator = commit.person
                later.pop(path, None)
            if old != NONE and old != path and status == ord("R"):
                later.pop(path, None)
                later[old] = name
    return dict(found), basis(history, commits)


def ownership(
    history: History, people: People, there: Collection[bytes], limit: int
) -> tuple[list[Owner], Basis]:
    """Return who wrote the files that are ``there``, by lines added (by changes without lines)."""
    names = history.store.paths()
    files, over = _collect(history, people)
    rows = []
    for path, entry in files.items():
        total = sum(entry.weight.values())
        if names[path] in there and total:
            shares = sorted(entry.weight.items(), key=lambda item: (-item[1], item[0]))
            rows.append(Owner(names[path], tuple((who, n / total) for who, n in shares if n)))
    return sorted(rows, key=lambda row: row.path)[:limit], over


def degrees(changes: Mapping[int, int], creator: int | None) -> dict[int, float]:
    """Return the degree of authorship of each person in one file.

    DOA = 3.293 + 1.098 FA + 0.164 DL - 0.321 ln(1 + AC): first authorship, own changes, changes of
    others (Fritz et al. 2010, as used for truck factors by Avelino et al. 2016).
    """
    total = sum(changes.values())
    return {
        person: 3.293 + 1.098 * (person == creator) + 0.164 * own
        - 0.321 * math.log1p(total - own)
        for person, own in changes.items()
    }  # fmt: skip


def authors_of(changes: Mapping[int, int], creator: int | None) -> set[int]:
    """Return who counts as an author: DOA of 3.293 and 3/4 of the file's highest (Avelino)."""
    found = degrees(changes, creator)
    most = max(found.values(), default=0.0)
    return {who for who, value in found.items() if value >= 3.293 and value / most > 0.75}


def bus_factor(
    history: History, people: People, there: Collection[bytes]
) -> tuple[BusFactor, Basis]:
    """Return the persons without whom more than half of the files have no author.

    The greedy search of Avelino et al. 2016: whoever has most files goes first.
    """
    names = history.store.paths()
    files, over = _collect(history, people)
    authors = {
        path: authors_of(entry.changes, entry.creator)
        for path, entry in files.items()
        if names[path] in there
    }
    total = len(authors)
    gone: list[int] = []
    while total and sum(1 for who in authors.values() if who) * 2 >= total:
        owned = Counter(person for who in authors.values() for person in who)
        if not owned:
            break
        person = min(owned, key=lambda who: (-owned[who], who))
        gone.append(person)
        for who in authors.values():
            who.discard(person)
    return BusFactor(tuple(gone), total), over
