# SPDX-License-Identifier: Apache-2.0
"""Where a page ended: a text that is handed out and comes back, maybe to another history."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codex_agent.repos.errors import QuestionError

_FORM = re.compile(r"([0-9a-f]{16})-([0-9]{1,10})-([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The next commit number (counted down) of a history, at one of its generations."""

    history: str
    generation: int
    number: int

    def __str__(self) -> str:
        return f"{self.history}-{self.generation}-{self.number}"


def parse(text: str, history: str) -> Cursor:
    """Read a cursor; QuestionError for what is none, or was handed out for another history."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise QuestionError("This is not a cursor.", "Begin without one.")
    cursor = Cursor(found[1], int(found[2]), int(found[3]))
    if cursor.history != history:
        raise QuestionError("This cursor belongs to another history.", "Begin without one.")
    return cursor
