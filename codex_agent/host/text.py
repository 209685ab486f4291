# SPDX-License-Identifier: Apache-2.0
"""Parsers of small texts; each takes what a file holds and raises ``ValueError`` on the rest."""

from __future__ import annotations

import re

_BIG = 2**63  # beyond what any counter or size here can be; also what JSON readers can hold


def line(text: str) -> str:
    """Return one printable line without its surrounding blanks.

    Names from firmware and devices end up on terminals, so control characters are refused.
    """
    value = text.strip("\0\r\n\t ")
    if not value:
        raise ValueError("it is empty")
    if not value.isprintable():
        raise ValueError("it holds characters that cannot be shown")
    return value


def number(text: str) -> int:
    """Return a decimal integer (-2^63 < n < 2^63)."""
    value = text.strip("\0\r\n\t ")
    if not re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
        raise ValueError("it is not a whole number")
    result = int(value)
    if abs(result) >= _BIG:
        raise ValueError("the number is out of range")
    return result


def count(text: str) -> int:
    """Return a decimal integer that is not negative."""
    value = number(text)
    if value < 0:
        raise ValueError("the number is negative")
    return value


def decimal(text: str) -> float:
    """Return a plain decimal fraction that is not negative."""
    if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18})?", text, re.ASCII):
        raise ValueError("it is not a decimal number")
    return float(text)


def flag(text: str) -> bool:
    """Return a kernel boolean: ``1`` or ``Y``, ``0`` or ``N``."""
    value = text.strip()
    if value in ("1", "Y"):
        return True
    if value in ("0", "N"):
        return False
    raise ValueError("it is neither yes nor no")


def hex_id(digits: int) -> re.Pattern[str]:
    """Return the pattern of a hexadecimal number as sysfs writes it, with ``digits`` digits."""
    return re.compile(rf"0x([0-9a-f]{{{digits}}})", re.ASCII)


def identifier(text: str, digits: int) -> str:
    """Return a hexadecimal number of sysfs (``0x10de``) without its prefix, in lower case."""
    match = hex_id(digits).fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"it is not a hexadecimal number of {digits} digits")
    return match.group(1)


def selected(text: str) -> str:
    """Return the bracketed word of a list such as ``none [integrity] confidentiality``."""
    match = re.fullmatch(r"[a-z ]*\[([a-z]+)\][a-z ]*", text.strip(), re.ASCII)
    if match is None:
        raise ValueError("no entry is marked as selected")
    return match.group(1)


def cpu_list(text: str) -> int:
    """Return how many processors a list such as ``0-3,8`` names."""
    total = 0
    for part in text.strip().split(","):
        match = re.fullmatch(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", part, re.ASCII)
        if match is None:
            raise ValueError("it is not a list of processors")
        low, high = int(match[1]), int(match[2] or match[1])
        if high < low:
            raise ValueError("a range of processors runs backwards")
        total += high - low + 1
    return total
