# SPDX-License-Identifier: Apache-2.0
"""Which of two releases of the kernel is newer, by the rules that dpkg has for versions."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PART = re.compile(r"(\D*)(\d*)")


def _weight(character: str) -> int:
    """Return the place of a character: ``~`` first, then the end, letters, everything else."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _words(first: str, second: str) -> int:
    """Compare two parts without digits (Debian policy, 5.6.12)."""
    for at in range(max(len(first), len(second))):
        one = _weight(first[at]) if at < len(first) else 0
        other = _weight(second[at]) if at < len(second) else 0
        if one != other:
            return -1 if one < other else 1
    return 0


def compare(first: str, second: str) -> int:
    """Return -1, 0 or 1: whether the first version is older, the same or newer."""
    ones, others = _PART.findall(first), _PART.findall(second)
    for at in range(max(len(ones), len(others))):
        words, digits = ones[at] if at < len(ones) else ("", "")
        other_words, other_digits = others[at] if at < len(others) else ("", "")
        found = _words(words, other_words)
        if found == 0:
            number, other = int(digits or 0), int(other_digits or 0)
            found = (number > other) - (number < other)
        if found:
            return found
    return 0


def newest_first(versions: Iterable[str]) -> list[str]:
    """Return versions in the order in which a boot menu shows them."""
    return sorted(versions, key=functools.cmp_to_key(compare), reverse=True)
