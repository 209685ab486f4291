# SPDX-License-Identifier: Apache-2.0
"""When people work: commits by month, and by weekday and hour where their author was."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from codex_agent.repos.blocks import NO_TIME, NONE
from codex_agent.repos.graph import ZONE_BASE

if TYPE_CHECKING:
    from codex_agent.repos.history import History
    from codex_agent.repos.people import People

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799  # 9999-12-31: what comes later is no date here


@dataclass(frozen=True, slots=True)
class Activity:
    """Commits by person and month (``"2026-11"``, UTC), and by weekday (Monday 0) and hour.

    ``undated`` commits have no time that can be read.
    """

    months: dict[tuple[int, str], int]
    hours: dict[tuple[int, int], int]
    undated: int


def activity(history: History, people: People) -> Activity:
    """Count every commit that a ref reaches, by the time at which its author made it."""
    marks = history.marks()
    months: Counter[tuple[int, str]] = Counter()
    hours: Counter[tuple[int, int]] = Counter()
    undated = 0
    if marks is None:
        return Activity({}, {}, 0)
    for block in history.store.each("commits"):
        labels = marks.branch[block.first : block.first + len(block)]
        for time, zone, author, label in zip(
            block.authored, block.zone, block.author, labels, strict=True
        ):
            if label == NONE:
                continue
            if time == NO_TIME or not 0 <= time <= _LAST:
                undated += 1
                continue
            when = _EPOCH + timedelta(seconds=time)
            months[people.of[author], f"{when.year:04}-{when.month:02}"] += 1
            if zone != NONE:
                # Days and hours go round, so no date beyond year 9999 can come of the zone.
                minutes = time // 60 + zone - ZONE_BASE
                hours[(minutes // 1440 + 3) % 7, minutes // 60 % 24] += 1
    return Activity(dict(months), dict(hours), undated)
