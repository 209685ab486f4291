# SPDX-License-Identifier: Apache-2.0
"""Versions and their order: UAPI.10, as systemd-boot and systemd-sysupdate sort them.

>>> compare("0.1.9", "0.1.10")
-1
>>> compare("1.0~rc1", "1.0")
-1
"""

from __future__ import annotations

import re
from functools import cmp_to_key

# "+" separates the tries left in the name of a boot entry and "_" the parts of a file's name, so
# neither can be part of a version of ours.
_VERSION = re.compile(r"[0-9][0-9A-Za-z.~^-]{0,63}", re.ASCII)
_IGNORED = re.compile(r"[^0-9A-Za-z~^.-]+", re.ASCII)
_DIGITS = re.compile(r"[0-9]*", re.ASCII)
_LETTERS = re.compile(r"[A-Za-z]*", re.ASCII)


def valid(text: str) -> bool:
    """Say whether ``text`` can be a version of the image."""
    return _VERSION.fullmatch(text) is not None


def _sign(left: int | bool | str, right: int | bool | str) -> int:
    return (left > right) - (left < right)  # type: ignore[operator]


def compare(left: str, right: str) -> int:
    """Return -1, 0 or 1 as ``left`` is older than, as old as, or newer than ``right``."""
    while True:
        left, right = _without_ignored(left), _without_ignored(right)
        # "~" goes before the end of the text: 1.0~rc1 is older than 1.0.
        left, right, order = _separator("~", left, right)
        if order:
            return order
        if not left or not right:
            return _sign(bool(left), bool(right))
        for mark in "-^.":
            left, right, order = _separator(mark, left, right)
            if order:
                return order
        numeric = left[:1].isdigit() or right[:1].isdigit()
        pattern = _DIGITS if numeric else _LETTERS
        one, other = _leading(pattern, left), _leading(pattern, right)
        order = _numbers(one, other) if numeric else _words(one, other)
        if order:
            return order
        left, right = left[len(one) :], right[len(other) :]


def _without_ignored(text: str) -> str:
    found = _IGNORED.match(text)
    return text[found.end() :] if found else text


def _separator(mark: str, left: str, right: str) -> tuple[str, str, int]:
    """Step over ``mark`` where both have it; where one has it, that one is older."""
    mine, yours = left[:1] == mark, right[:1] == mark
    if mine and yours:
        return left[1:], right[1:], 0
    return left, right, _sign(yours, mine)


def _leading(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return found[0] if found else ""


def _numbers(left: str, right: str) -> int:
    if bool(left) != bool(right):
        return _sign(bool(left), bool(right))
    # Not by their value: a number of any length must not cost more than its reading.
    left, right = left.lstrip("0"), right.lstrip("0")
    return _sign(len(left), len(right)) or _sign(left, right)


def _words(left: str, right: str) -> int:
    common = min(len(left), len(right))
    return _sign(left[:common], right[:common]) or _sign(len(left), len(right))


def newest(versions: list[str]) -> str | None:
    """Return the newest of some versions, or None of none."""
    return max(versions, key=cmp_to_key(compare), default=None)


def in_order(versions: set[str]) -> list[str]:
    """Return versions from the oldest to the newest; equal ones by their text."""
    return sorted(sorted(versions), key=cmp_to_key(compare))
