# SPDX-License-Identifier: Apache-2.0
"""Rows of label and text, aligned, and figures as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from codex_agent.problem import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_COLOURS = {
    "healthy": "32", "ok": "32", "degraded": "33", "failed": "31", "unknown": "35", "skipped": "2",
}  # fmt: skip
_LABEL = 16


def size(count: float) -> str:
    """Return bytes in the largest binary unit that leaves at least one before the point."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} PiB"


class Rows:
    """Collects rows of label and text; a null becomes ``unavailable`` with its reason.

    ``reasons`` has the reason for each null under its dotted path.
    """

    def __init__(self, reasons: Mapping[str, str], *, colour: bool = False) -> None:
        self._reasons = reasons
        self._colour = colour
        self.lines: list[str] = []

    def state(self, name: str, width: int = 0) -> str:
        """Return the name of a state, coloured on a terminal, padded to ``width``."""
        padded = name.ljust(width)
        code = _COLOURS.get(name)
        return f"\x1b[{code}m{padded}\x1b[0m" if self._colour and code else padded

    def value(self, path: str, value: T | None, form: Callable[[T], str] = str) -> str:
        """Return a value as text."""
        if value is not None:
            return shown(form(value))
        reason = self._reasons.get(path, "it was not read")
        return f"unavailable ({shown(reason)})"

    def add(self, label: str, text: str) -> None:
        """Append one row."""
        self.lines.append(f"{label:<{_LABEL}} {text}".rstrip())

    def more(self, label: str, path: str, value: T | None, form: Callable[[T], str] = str) -> None:
        """Append one row of one value."""
        self.add(label, self.value(path, value, form))
