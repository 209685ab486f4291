# SPDX-License-Identifier: Apache-2.0
"""What the generated modules are made of: lines, columns, and the values that are no number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A line ``label: value unit``; ``name`` is the member that gets its value.

    ``fixed`` lines are always there, in this order; the others below them may be missing.
    """

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
    """A PCI Express link: gigatransfers a second of a lane, and number of lanes."""

    gts: float
    width: int
