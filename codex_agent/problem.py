# SPDX-License-Identifier: Apache-2.0
"""Something that a person gave to this host and that is not valid."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST = 400


def shown(text: str) -> str:
    """Return ``text`` as one line that is safe on a terminal, whatever was typed into a file."""
    line = "".join(char if char.isprintable() else "?" for char in text)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence that names the file, credential or key, and a hint what to do about it."""

    message: str
    hint: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", shown(self.message))
        object.__setattr__(self, "hint", shown(self.hint))
