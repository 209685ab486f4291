# SPDX-License-Identifier: Apache-2.0
"""Writes the Python module with the lines of a /proc file and the types that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.kernel.schema.text import camel, notice, paragraph, with_unit

if TYPE_CHECKING:
    from codex_agent.kernel.schema.model import Line, Module, Proc, Table

_TYPES = {
    "u32": "int", "s32": "int", "u64": "int", "x32": "int", "choice": "str", "id": "str",
    "path": "str", "word": "str", "link": "Link",
}  # fmt: skip


def emit(module: Module) -> str:
    """Return the text of ``abi/<module>_proc.py``."""
    proc = module.proc
    names = ["Column", "Line"]
    if proc.observed is None:
        names = ["Column", "Line"] if proc.tables else ["Line"]
    elif any(column.type == "link" for column in proc.observed.columns):
        names = ["Column", "Line", "Link"]
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        f"# {notice(module.name)}",
        f'"""What /proc/{proc.file} says: its lines, and the types that hold their values."""',
        "",
        "from __future__ import annotations",
        "",
        "from dataclasses import dataclass",
        "",
        f"from codex_agent.kernel.abi.form import {', '.join(names)}",
        "",
        f'PATH = "/proc/{proc.file}"',
        f'TITLE = "{proc.title}"',
        f'RULE = "{"=" * proc.rule}"',
        *_lines("LINES", proc.lines),
    ]
    if proc.statistics:
        lines.append(f'STATISTICS_HEADING = "{proc.statistics_heading}:"')
        lines += _lines("STATISTICS", proc.statistics)
    if proc.block:
        lines.append(f'BLOCK = "{proc.block}"')
    for table in proc.tables:
        head = r"\t".join(column.label for column in table.columns)
        lines.append(f'{table.name.upper()}_HEAD = "{head}"')
        lines += _columns(table)
    if proc.observed is not None:
        lines.append(f'OBSERVED_HEADING = "{proc.observed_heading}:"')
        lines += _columns(proc.observed)
    lines += _status(proc)
    for table in proc.tables:
        lines += _row(table)
    if proc.observed is not None:
        lines += _observed(proc.observed)
    return "\n".join([*lines, ""])


def _lines(name: str, entries: tuple[Line, ...]) -> list[str]:
    lines = [f"{name} = ("]
    for line in entries:
        parts = [f'"{with_unit(line.name, line.unit)}"', f'"{line.label}"', f'"{line.type}"']
        parts += [f'unit="{line.unit}"'] if line.unit else []
        parts += ["fixed=True"] if line.fixed else []
        parts += [f"choices={_tuple(line.choices)}"] if line.choices else []
        lines.append(f"    Line({', '.join(parts)}),")
    return [*lines, ")"]


def _tuple(words: tuple[str, ...]) -> str:
    return "(" + ", ".join(f'"{word}"' for word in words) + ("," if len(words) == 1 else "") + ")"


def _columns(table: Table) -> list[str]:
    lines = [f"{table.name.upper()} = ("]
    for column in table.columns:
        none = f', none="{column.none}"' if column.none else ""
        lines.append(f'    Column("{column.name}", "{column.type}"{none}),')
    return [*lines, ")"]


def _class(name: str, doc: str) -> list[str]:
    return ["", "", "@dataclass(frozen=True, slots=True)", f"class {name}:", f'    """{doc}"""', ""]


def _member(name: str, kind: str, doc: str) -> list[str]:
    return [*(f"    #: {line}" for line in paragraph(doc, 7)), f"    {name}: {kind}"]


def _status(proc: Proc) -> list[str]:
    what = "a device" if proc.block else "the module"
    lines = _class("Status", f"What /proc/{proc.file} says about {what}; None: it does not say.")
    if proc.block:
        lines += _member(
            proc.block.lower(), "int | None", "its number, which is said where there are several"
        )
    entries = (*proc.lines, *proc.statistics)
    # What has a default has to follow what has none.
    for line in sorted(entries, key=lambda entry: not entry.fixed):
        kind = _TYPES[line.type] + ("" if line.fixed else " | None = None")
        lines += _member(with_unit(line.name, line.unit), kind, line.doc)
    return lines


def _row(table: Table) -> list[str]:
    lines = _class(camel(table.name), f"{table.doc[0].upper()}{table.doc[1:]}.")
    for column in table.columns:
        nullable = " | None" if column.type == "path" else ""
        lines += _member(column.name, _TYPES[column.type] + nullable, column.doc)
    return lines


def _observed(table: Table) -> list[str]:
    lines = _class("Observed", f"{table.doc[0].upper()}{table.doc[1:]}; None: it cannot be read.")
    lines += _member("address", "str", "PCI address")
    lines += _member("device", "str", "PCI vendor and device")
    for column in table.columns:
        lines += _member(column.name, f"{_TYPES[column.type]} | None", column.doc)
    return lines
