# SPDX-License-Identifier: Apache-2.0
"""How values stand in the /proc files, and what is made of them; every refusal is a ValueError."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGES = {"u32": (0, 2**32 - 1), "s32": (-(2**31), 2**31 - 1), "u64": (0, 2**64 - 1)}
_LINK = re.compile(r"(\d{1,3}(?:\.\d)?) GT/s x(\d{1,2})", re.ASCII)
_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}", re.ASCII)
UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Line:
    """A line ``label: value unit``; ``name`` is the member that gets its value."""

    name: str
    label: str
    type: str
    unit: str = ""
    fixed: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; ``none`` is the word for a value that is known to be nothing."""

    name: str
    type: str
    none: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A PCI Express link: gigatransfers a second and number of lanes."""

    gts: float
    width: int


Value = int | str | Link | None


def number(text: str, kind: str) -> int:
    """Return a decimal whole number that fits the type ``kind``."""
    low, high = _RANGES[kind]
    sign = "-?" if low < 0 else ""
    if not re.fullmatch(rf"{sign}(0|[1-9][0-9]{{0,19}})", text, re.ASCII):
        raise ValueError(f"{text!r} is not a whole number")
    value = int(text)
    if not low <= value <= high:
        raise ValueError(f"{text} is out of range")
    return value


def of_line(line: Line, text: str) -> Value:
    """Return the value of what stands behind a line's label."""
    if line.type == "choice":
        if text not in line.choices:
            raise ValueError(f"{text!r} is none of {', '.join(line.choices)}")
        return text
    if line.type == "id":
        return identity(text)
    figure, gap, unit = text.partition(" ")
    if unit != line.unit or bool(gap) != bool(line.unit):
        raise ValueError(f"the unit of {text!r} is not {line.unit or 'none'}")
    return number(figure, line.type)


def identity(text: str) -> str:
    """Return PCI vendor and device as they are written, ``1234:11e8``."""
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} is not a PCI vendor and device")
    return text


def of_column(column: Column, text: str) -> Value:
    """Return the value of a cell; None where it says that there is none to be had."""
    if column.none and text == column.none:
        return None
    if column.type == "path":
        return _path(text)
    if column.type in _RANGES:
        return number(text, column.type)
    raise ValueError(f"a column cannot be {column.type}")


def of_observed(column: Column, text: str) -> Value:
    """Return the value behind ``name=``; None where the kernel could not or need not say it."""
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
        if not re.fullmatch(r"0x[0-9a-f]{1,8}", text, re.ASCII):
            raise ValueError(f"{text!r} is not a hexadecimal number of 32 bits")
        return int(text, 16)
    return number(text, column.type)


def _path(text: str) -> str | None:
    if text == UNAVAILABLE:
        return None
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not a path")
    return text
