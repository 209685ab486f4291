# SPDX-License-Identifier: Apache-2.0
"""Turns the words of the /proc files into values; every refusal is a ``ValueError``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_agent.kernel.abi.form import Link

if TYPE_CHECKING:
    from codex_agent.kernel.abi.form import Column, Line

_RANGES = {"u32": (0, 2**32 - 1), "s32": (-(2**31), 2**31 - 1), "u64": (0, 2**64 - 1)}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,19})", re.ASCII)
_X32 = re.compile(r"0x[0-9a-f]{1,8}", re.ASCII)
_LINK = re.compile(r"([0-9]{1,3}(?:\.[0-9])?) GT/s x([1-9][0-9]?)", re.ASCII)
_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}", re.ASCII)
UNAVAILABLE = "unavailable"

Value = int | str | Link | None


def number(text: str, kind: str) -> int:
    """Return a decimal whole number that fits the type ``kind``."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a whole number")
    low, high = _RANGES[kind]
    if not low <= int(text) <= high:
        raise ValueError(f"{text} is out of range")
    return int(text)


def identity(text: str) -> str:
    """Return PCI vendor and device as they are written, ``1234:11e8``."""
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} is not a PCI vendor and device")
    return text


def of_line(line: Line, text: str) -> Value:
    """Return the value of what stands behind a line's label."""
    if line.type == "choice":
        if text not in line.choices:
            raise ValueError(f"{text!r} is none of {', '.join(line.choices)}")
        return text
    if line.type == "id":
        return identity(text)
    if not line.unit:
        return number(text, line.type)
    figure, _, unit = text.partition(" ")
    if unit != line.unit:
        raise ValueError(f"{text!r} is not in {line.unit}")
    return number(figure, line.type)


def of_cell(column: Column, text: str) -> Value:
    """Return the value of a table's cell; None where the kernel could not tell it."""
    if column.type != "path":
        return number(text, column.type)
    if text == UNAVAILABLE:
        return None
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not a path")
    return text


def of_observed(column: Column, text: str) -> Value:
    """Return what stands behind ``name=``; None where there is nothing or it cannot be read."""
    if text == (column.none or UNAVAILABLE):
        return None
    if column.type == "word":
        if not _WORD.fullmatch(text):
            raise ValueError(f"{text!r} is not a name")
        return text
    if column.type == "link":
        match = _LINK.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a speed and a width")
        return Link(float(match[1]), int(match[2]))
    if column.type == "x32":
        if not _X32.fullmatch(text):
            raise ValueError(f"{text!r} is not a hexadecimal number of 32 bits")
        return int(text, 16)
    return number(text, column.type)
