# SPDX-License-Identifier: Apache-2.0
"""How often files change, by how much, and which of those that change are large."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_agent.repos.metrics.facts import Basis, basis, each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_agent.repos.history import History
    from codex_agent.repos.people import People


@dataclass(slots=True)
class FileStats:
    """A file over the commits that were looked at; ``authors`` are places in the persons.

    ``added`` and ``deleted`` are None where lines are not counted. ``heat`` goes from 0 to 1 by the
    logarithm of the changes, so that one file that always changes does not hide all others.
    ``size`` is in bytes at the tip that was asked for, None where the file is not there.
    """

    path: bytes
    changes: int = 0
    added: int | None = None
    deleted: int | None = None
    last: int | None = None
    authors: set[int] = field(default_factory=set)
    heat: float = 0.0
    size: int | None = None


def churn(
    history: History, people: People, limit: int | None = None,
    sizes: Mapping[bytes, int] | None = None,
) -> tuple[list[FileStats], Basis]:  # fmt: skip
    """Return every file that changed in the newest ``limit`` commits, the hottest first."""
    names = history.store.paths()
    found: dict[int, FileStats] = {}
    commits = 0
    counted = basis(history, 0).lines
    for commit in each(history, people, limit):
        commits += 1
        for path, _, added, deleted in commit.files:
            stats = found.get(path)
            if stats is None:
                stats = found[path] = FileStats(names[path])
                if counted:
                    stats.added = stats.deleted = 0
            stats.changes += 1
            stats.authors.add(commit.person)
            if stats.added is not None and stats.deleted is not None:
                stats.added += added
                stats.deleted += deleted
            if commit.time is not None and (stats.last is None or commit.time > stats.last):
                stats.last = commit.time
    most = max((stats.changes for stats in found.values()), default=0)
    for stats in found.values():
        stats.heat = math.log1p(stats.changes) / math.log1p(most)
        stats.size = (sizes or {}).get(stats.path)
    order = sorted(found.values(), key=lambda stats: (-stats.changes, stats.path))
    return order, basis(history, commits)


def hotspots(stats: list[FileStats], limit: int) -> list[tuple[FileStats, float]]:
    """Return files that are there by change times size, the product scaled to 0..1.

    The idea is that of A. Tornhill, Your Code as a Crime Scene: work that is done often, in code
    that is large. Here the size is in bytes.
    """
    rows = [(entry, float(entry.changes * entry.size)) for entry in stats if entry.size]
    most = max((value for _, value in rows), default=0.0)
    scaled = [(entry, value / most) for entry, value in rows]
    return sorted(scaled, key=lambda row: (-row[1], row[0].path))[:limit]
