# SPDX-License-Identifier: Apache-2.0
"""Writes the C header with the formats of a /proc file, for the module's ``seq_printf``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.kernel.schema.text import comment, macros, notice

if TYPE_CHECKING:
    from codex_agent.kernel.schema.model import Column, Line, Module, Proc, Table

_LINE = {"u32": "%u", "u64": "%llu", "choice": "%s", "id": "%04x:%04x"}
_COLUMN = {"s32": "%d", "u32": "%u", "u64": "%llu", "path": "%s"}
_OBSERVED = {"word": "%s", "link": "%s GT/s x%u", "s32": "%d", "x32": "0x%08x"}


def emit(module: Module) -> str:
    """Return the text of ``include/codex/<module>_proc.h``."""
    guard = f"_CODEX_{module.name.upper()}_PROC_H"
    prefix = f"{module.prefix}PROC_"
    lines = [
        "/* SPDX-License-Identifier: GPL-2.0-only */",
        f"/* {notice(module.name)} */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        *comment(_order(module.proc)),
        f"#define {prefix}TITLE \\",
        f'\t"{module.proc.title}\\n" \\',
        f'\t"{"=" * module.proc.rule}\\n"',
        *macros((prefix + name, text, "") for name, text in _formats(module.proc)),
    ]
    if module.proc.observed is not None:
        lines += ["", *comment(f"{module.proc.observed_heading}: the head once, then the columns")]
        entries = _observed(module.proc, module.proc.observed)
        lines += macros((prefix + name, text, "") for name, text in entries)
    return "\n".join([*lines, "", "#endif", ""])


def _order(proc: Proc) -> str:
    order = f"/proc/{proc.file}: formats for seq_printf(), in the order of the file"
    if not proc.block:
        return order
    return (
        f"{order}: the title once, then the lines for each device. Where there are several, "
        f"{proc.block.upper()} precedes the lines of each and GAP stands between two."
    )


def _formats(proc: Proc) -> list[tuple[str, str]]:
    entries = [("NAME", f'"{proc.file}"'), ("UNAVAILABLE", '"unavailable"')]
    if proc.block:
        entries += [("GAP", r'"\n"'), (proc.block.upper(), rf'"{proc.block} %u:\n"')]
    for line in proc.lines:
        entries += _line(line, "")
    if proc.statistics:
        entries.append((proc.statistics_heading.upper(), rf'"\n{proc.statistics_heading}:\n"'))
    for line in proc.statistics:
        entries += _line(line, "  ")
    for table in proc.tables:
        head = r"\t".join(column.label for column in table.columns)
        row = r"\t".join(_COLUMN[column.type] for column in table.columns)
        name = table.name.upper()
        entries += [(f"{name}_HEAD", rf'"\n{head}\n"'), (f"{name}_ROW", rf'"{row}\n"')]
    return entries


def _line(line: Line, indent: str) -> list[tuple[str, str]]:
    unit = f" {line.unit}" if line.unit else ""
    name = line.name.upper()
    entries = [(name, rf'"{indent}{line.label}: {_LINE[line.type]}{unit}\n"')]
    words = [(choice.upper().replace(" ", "_"), choice) for choice in line.choices]
    return entries + [(f"{name}_{word}", f'"{choice}"') for word, choice in words]


def _observed(proc: Proc, table: Table) -> list[tuple[str, str]]:
    entries = [
        ("OBSERVED_HEAD", rf'"\n{proc.observed_heading}:\n"'),
        ("OBSERVED_FUNCTION", r'"%s\t%04x:%04x"'),
    ]
    for column in table.columns:
        entries += _observed_column(column)
    return [*entries, ("OBSERVED_END", r'"\n"')]


def _observed_column(column: Column) -> list[tuple[str, str]]:
    name = f"OBSERVED_{column.name.upper()}"
    absent = column.none or "unavailable"
    return [
        (name, rf'"\t{column.name}={_OBSERVED[column.type]}"'),
        (f"{name}_{absent.upper()}", rf'"\t{column.name}={absent}"'),
    ]
