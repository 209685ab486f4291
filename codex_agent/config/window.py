# SPDX-License-Identifier: Apache-2.0
"""A time of the week, such as ``Sat 02:00-04:00`` or ``Mon..Fri 23:30-01:00``.

Days are Mon to Sun, single, in a list by commas, or as a range by two dots; without days it is
every day. A window that ends before it begins ends on the next day. The times are the host's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = 24 * 60
_WINDOW = re.compile(
    r"(?:(?P<days>[A-Za-z.,]+) +)?(?P<begin>\d\d:\d\d) *- *(?P<end>\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Window:
    """``days`` on which it begins (Monday is 0), and minutes of the day."""

    days: frozenset[int]
    begin: int
    end: int

    @property
    def minutes(self) -> int:
        """How long it is."""
        return (self.end - self.begin) % _DAY or _DAY

    def latest_s(self, jitter_s: float) -> float:
        """How much later than written it begins at most: half of it is left for the work."""
        return min(jitter_s, self.minutes * 30.0)

    def holds(self, moment: datetime, late_s: float = 0.0) -> bool:
        """Say whether a moment lies in it, when it begins ``late_s`` seconds later than written."""
        passed = moment.hour * 60 + moment.minute + moment.second / 60
        for back in (0, 1):
            since = passed - self.begin + back * _DAY
            day = (moment.weekday() - back) % 7
            if day in self.days and late_s / 60 <= since < self.minutes:
                return True
        return False


def parse(text: str) -> Window:
    """Return the window that ``text`` names, or raise ``ValueError``."""
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise ValueError("it is not days and two times")
    days = frozenset(range(7)) if found["days"] is None else _days(found["days"])
    return Window(days, _minutes(found["begin"]), _minutes(found["end"]))


def zone() -> str:
    """Return the name of the host's zone, in which the times are."""
    return datetime.now().astimezone().tzname() or "of the host"


def _minutes(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if hours > 23 or minutes > 59:
        raise ValueError("a time is not one of a day")
    return hours * 60 + minutes


def _day(text: str) -> int:
    if text not in _DAYS:
        raise ValueError("a day is none of Mon to Sun")
    return _DAYS.index(text)


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, dots, last = part.partition("..")
        begin = _day(first)
        length = (_day(last) - begin) % 7 if dots else 0
        found.update((begin + step) % 7 for step in range(length + 1))
    return frozenset(found)
