# SPDX-License-Identifier: Apache-2.0
"""Reads a schema and refuses what could not be kept: holes, doubles, unknown words."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from codex_agent.errors import CodexError
from codex_agent.kernel.schema.model import (
    SIZES,
    Field,
    Group,
    Ioctl,
    Module,
    Section,
    Struct,
    Value,
)
from codex_agent.kernel.schema.procfile import load_proc
from codex_agent.kernel.schema.table import Reader, SchemaError

if TYPE_CHECKING:
    from pathlib import Path

_GROUPS = ("constants", "enum", "flags")


def load(path: Path) -> Module:
    """Return the schema in a file, or raise ``CodexError`` that says what is wrong with it."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        return _module(Reader("the file", data))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise CodexError(
            f"the schema {path.name} cannot be used: {error}", hint="correct the file, run again"
        ) from None


def _module(reader: Reader) -> Module:
    name = reader.word("module")
    version = reader.integer("abi_version", 1, 2**32 - 1)
    kind = reader.text("ioctl_type")
    if not re.fullmatch(r"[A-Za-z]", kind):
        raise SchemaError(f"ioctl_type is one letter, not {kind!r}")
    constants: dict[str, int] = {}
    sections = tuple(_section(part, name, constants) for part in reader.tables("section"))
    proc = load_proc(reader.table("proc"))
    reader.done()
    structs = [struct.name for section in sections for struct in section.structs]
    ioctls = [ioctl for section in sections for ioctl in section.ioctls]
    _unique("structure", structs)
    _unique("ioctl", [ioctl.name for ioctl in ioctls])
    _unique("ioctl number", [hex(ioctl.number) for ioctl in ioctls])
    for ioctl in ioctls:
        if ioctl.struct not in structs:
            raise SchemaError(f"ioctl {ioctl.name} takes {ioctl.struct!r}, which does not exist")
    return Module(name, version, kind, sections, proc)


def _unique(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise SchemaError(f"{what} {name} is there twice")


def _section(reader: Reader, module: str, constants: dict[str, int]) -> Section:
    doc = reader.text("doc", "")
    groups = tuple(_group(part, constants) for part in reader.tables("group"))
    structs = tuple(_struct(part, module, constants) for part in reader.tables("struct"))
    ioctls = tuple(_ioctl(part) for part in reader.tables("ioctl"))
    reader.done()
    return Section(doc, groups, structs, ioctls)


def _group(reader: Reader, constants: dict[str, int]) -> Group:
    kind = reader.choice("kind", _GROUPS)
    name = reader.text("name", "")
    python = "" if kind == "constants" else reader.word("python")
    doc = reader.text("doc", "")
    values = tuple(_value(part, kind) for part in reader.tables("values"))
    reader.done()
    for value in values:
        full = f"{name}_{value.name}" if name else value.name
        if full in constants:
            raise SchemaError(f"constant {full} is there twice")
        constants[full] = value.value
    if kind != "constants" and len({value.value for value in values}) != len(values):
        raise SchemaError(f"two values of {python} are the same")
    return Group(kind, name, python, doc, values)


def _value(reader: Reader, kind: str) -> Value:
    name = reader.word("name")
    bit = reader.integer("bit", 0, 31) if kind == "flags" else None
    value = reader.integer("value", 0, 2**31 - 1) if bit is None else 1 << bit
    hexadecimal = reader.flag("hex")
    doc = reader.text("doc", "")
    reader.done()
    return Value(name, value, bit, hexadecimal, doc)


def _struct(reader: Reader, module: str, constants: dict[str, int]) -> Struct:
    name = reader.word("name")
    doc = reader.text("doc")
    shared = reader.flag("shared")
    fields: list[Field] = []
    offset = 0
    for part in reader.tables("fields"):
        field = _field(part, offset, constants)
        if offset % SIZES[field.type]:
            raise SchemaError(f"{name}.{field.name} would leave a hole before it")
        fields.append(field)
        offset += field.bytes
    reader.done()
    _unique(f"field of {name}", [field.name for field in fields])
    if not fields or offset % max(SIZES[field.type] for field in fields):
        raise SchemaError(f"{name} is empty or would have a hole at its end")
    first = fields[0]
    if not shared and (first.name, first.type, first.count) != ("size", "u32", 0):
        raise SchemaError(f"the argument {name} of {module} does not begin with its u32 size")
    return Struct(name, doc, shared, tuple(fields))


def _field(reader: Reader, offset: int, constants: dict[str, int]) -> Field:
    name = reader.word("name")
    kind = reader.choice("type", tuple(SIZES))
    count, count_name = reader.count("count", constants)
    ways = {way: reader.text(way, "") for way in ("in", "out")}
    doc = reader.text("doc", "") or "; ".join(f"{way}: {ways[way]}" for way in ways if ways[way])
    reader.done()
    if not doc:
        raise SchemaError(f"field {name} says neither what goes in nor what comes out")
    return Field(name, kind, count, count_name, offset, doc)


def _ioctl(reader: Reader) -> Ioctl:
    ioctl = Ioctl(reader.word("name"), reader.integer("number", 0, 255), reader.word("struct"))
    reader.done()
    return ioctl
