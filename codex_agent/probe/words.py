# SPDX-License-Identifier: Apache-2.0
"""What a program has said, as one sentence that may be shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from codex_agent.problem import shown

if TYPE_CHECKING:
    from codex_agent.probe.child import Ended

_LONGEST = 300


def line(text: str, longest: int = _LONGEST) -> str:
    """Return one line that is safe on a terminal; never empty."""
    kept = shown(text.strip()) or "-"
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


def sentence(text: str) -> str:
    """Return a sentence: a capital at its beginning, a full stop at its end."""
    kept = line(text).rstrip(" .")
    return f"{kept[:1].upper()}{kept[1:]}." if kept else "It said nothing."


def said(ended: Ended) -> tuple[str | None, str | None]:
    """Return what a child gave as its message, and its hint where it gave one.

    A JSON object on its output names them; of other output the first line counts, and without any
    the last line of its errors.
    """
    if not ended.cut:
        try:
            told = json.loads(ended.out)
        except (ValueError, RecursionError):
            told = None
        if isinstance(told, dict):
            return _text(told.get("message")), _text(told.get("hint"))
    for content, index in ((ended.out, 0), (ended.err, -1)):
        lines = [
            entry for entry in content.decode("utf-8", "replace").splitlines() if entry.strip()
        ]
        if lines:
            return line(lines[index]), None
    return None, None


def _text(value: object) -> str | None:
    return line(value) if isinstance(value, str) and value.strip() else None
