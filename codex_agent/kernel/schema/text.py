# SPDX-License-Identifier: Apache-2.0
"""Pieces of text that the emitters share."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Longest line of C and of Python in this repository, with tabs that are 8 wide.
WIDTH = 100
_TAB = 8
_SUFFIXES = {"MB": "_mib", "KB": "_kib", "bytes": "_bytes"}


def width(line: str) -> int:
    """Return how many columns a line of C takes."""
    return len(line.expandtabs(_TAB))


def comment(text: str) -> list[str]:
    """Return a text as a comment of C, in one line where it fits."""
    if len(text) + len("/*  */") <= WIDTH:
        return [f"/* {text} */"]
    return ["/*", *(f" * {line}" for line in textwrap.wrap(text, WIDTH - 3)), " */"]


def macros(entries: Iterable[tuple[str, str, str]]) -> list[str]:
    """Return ``#define`` lines, their values in one column; each entry is name, value, comment.

    A comment that does not fit behind its value stands above it.
    """
    rows = [(f"#define {name}", value, doc) for name, value, doc in entries]
    column = max((len(head) // _TAB + 1) * _TAB for head, _, _ in rows)
    lines: list[str] = []
    for head, value, doc in rows:
        line = head + "\t" * -(-(column - len(head)) // _TAB) + value
        behind = f"{line}\t/* {doc} */"
        if doc and width(behind) > WIDTH:
            lines += comment(doc)
        lines.append(behind if doc and width(behind) <= WIDTH else line)
    return lines


def kernel_doc(title: str, members: Iterable[tuple[str, str]]) -> list[str]:
    """Return a kernel-doc comment about a structure and its members."""
    lines = ["/**", f" * {title}"]
    for name, doc in members:
        wrapped = textwrap.wrap(f"@{name}: {doc}", WIDTH - 3, subsequent_indent="        ")
        lines += [f" * {line}" for line in wrapped]
    return [*lines, " */"]


def notice(module: str) -> str:
    """Return the sentence that says where a file comes from."""
    return (
        f"Made from codex_agent/kernel/schema/{module}.toml by "
        "`python -m codex_agent.kernel.schema`."
    )


def camel(name: str) -> str:
    """Return a name of C as the name of a Python class."""
    return "".join(part.capitalize() for part in name.split("_"))


def with_unit(name: str, unit: str) -> str:
    """Return the name of a figure with its unit, unless it says the unit already."""
    suffix = _SUFFIXES.get(unit, "")
    return name if suffix.strip("_") in name.split("_") else name + suffix


def paragraph(text: str, indent: int) -> list[str]:
    """Return a text wrapped so that its lines still fit behind ``indent`` columns."""
    return textwrap.wrap(text, WIDTH - indent)
