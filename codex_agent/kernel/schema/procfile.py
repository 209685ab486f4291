# SPDX-License-Identifier: Apache-2.0
"""Reads the part of a schema that describes a /proc file."""

from __future__ import annotations

from codex_agent.kernel.schema.model import Column, Line, Proc, Table
from codex_agent.kernel.schema.table import Reader, SchemaError

_LINE_TYPES = ("u32", "u64", "choice", "id")
_COLUMN_TYPES = ("s32", "u32", "u64", "path")
_OBSERVED_TYPES = ("word", "link", "s32", "x32")
_UNITS = ("", "MB", "KB", "bytes")


def load_proc(reader: Reader) -> Proc:
    """Return the description of a /proc file, or raise ``SchemaError``."""
    statistics_heading, statistics = _statistics(reader)
    observed_heading, observed = _observed(reader)
    proc = Proc(
        file=reader.word("file"),
        title=reader.text("title"),
        rule=reader.integer("rule", 1, 80),
        block=reader.text("block", ""),
        lines=tuple(_line(part) for part in reader.tables("lines")),
        statistics_heading=statistics_heading,
        statistics=statistics,
        tables=tuple(_table(part) for part in reader.tables("table")),
        observed_heading=observed_heading,
        observed=observed,
    )
    reader.done()
    _check(proc)
    return proc


def _statistics(reader: Reader) -> tuple[str, tuple[Line, ...]]:
    if "statistics" not in reader.data:
        return "", ()
    part = reader.table("statistics")
    heading, lines = part.text("heading"), tuple(_line(line) for line in part.tables("lines"))
    part.done()
    return heading, lines


def _observed(reader: Reader) -> tuple[str, Table | None]:
    if "observed" not in reader.data:
        return "", None
    part = reader.table("observed")
    heading, doc = part.text("heading"), part.text("doc")
    columns = tuple(_column(column, _OBSERVED_TYPES) for column in part.tables("columns"))
    part.done()
    return heading, Table("observed", doc, columns)


def _line(reader: Reader) -> Line:
    kind = reader.choice("type", _LINE_TYPES)
    line = Line(
        name=reader.word("name"),
        label=reader.text("label"),
        type=kind,
        unit=reader.choice("unit", _UNITS) if "unit" in reader.data else "",
        choices=reader.texts("choices") if kind == "choice" else (),
        fixed=reader.flag("fixed"),
        doc=reader.text("doc"),
    )
    reader.done()
    if kind == "choice" and not line.choices:
        raise SchemaError(f"{line.name} has nothing to choose from")
    return line


def _table(reader: Reader) -> Table:
    table = Table(
        name=reader.word("name"),
        doc=reader.text("doc"),
        columns=tuple(_column(part, _COLUMN_TYPES) for part in reader.tables("columns")),
    )
    reader.done()
    # A path may hold blanks of every kind; only as the last column does that do no harm.
    if any(column.type == "path" for column in table.columns[:-1]):
        raise SchemaError(f"the path of table {table.name} is not its last column")
    return table


def _column(reader: Reader, types: tuple[str, ...]) -> Column:
    column = Column(
        name=reader.word("name"),
        label=reader.text("label", ""),
        type=reader.choice("type", types),
        none=reader.text("none", ""),
        doc=reader.text("doc"),
    )
    reader.done()
    return column


def _check(proc: Proc) -> None:
    """Refuse what no reader could tell apart."""
    for what, lines in (("line", proc.lines), ("statistic", proc.statistics)):
        names, labels = [line.name for line in lines], [line.label for line in lines]
        if len(set(names)) != len(names) or len(set(labels)) != len(labels):
            raise SchemaError(f"a {what} of {proc.file} is there twice")
        fixed = [line.fixed for line in lines]
        if fixed != sorted(fixed, reverse=True):
            raise SchemaError(f"a {what} of {proc.file} that is fixed stands below one that is not")
