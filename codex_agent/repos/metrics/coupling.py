# SPDX-License-Identifier: Apache-2.0
"""Which files change together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from codex_agent.repos.metrics.facts import Basis, basis, each

if TYPE_CHECKING:
    from codex_agent.repos.history import History
    from codex_agent.repos.people import People

#: Commits of more files (moves of folders, new headers) say nothing about two of them.
FILES_MAX = 30
#: Pairs that are kept while counting; beyond, those seen least often are dropped.
PAIRS_MAX = 2_000_000


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files: in how many commits both changed, and the share of those that changed either."""

    one: bytes
    other: bytes
    together: int
    degree: float


@dataclass(frozen=True, slots=True)
class Coupling:
    """Pairs, the closest first; ``skipped`` commits had too many files. ``cut``: see PAIRS_MAX."""

    pairs: list[Pair]
    skipped: int
    cut: bool


def coupling(
    history: History, people: People, limit: int, *, commits: int | None = None, least: int = 3
) -> tuple[Coupling, Basis]:
    """Return pairs that changed together at least ``least`` times."""
    names = history.store.paths()
    alone: Counter[int] = Counter()
    both: Counter[tuple[int, int]] = Counter()
    seen = skipped = 0
    cut = False
    for commit in each(history, people, commits):
        seen += 1
        paths = sorted({row[0] for row in commit.files})
        if len(paths) > FILES_MAX:
            skipped += 1
            continue
        alone.update(paths)
        both.update(combinations(paths, 2))
        if len(both) > PAIRS_MAX:
            cut = True
            both = Counter({pair: count for pair, count in both.items() if count > 1})
            if len(both) > PAIRS_MAX // 2:
                both = Counter(dict(both.most_common(PAIRS_MAX // 2)))
    rows = [
        Pair(names[a], names[b], n, n / (alone[a] + alone[b] - n))
        for (a, b), n in both.items()
        if n >= least
    ]
    rows.sort(key=lambda pair: (-pair.degree, -pair.together, pair.one, pair.other))
    return Coupling(rows[:limit], skipped, cut), basis(history, seen)
