# SPDX-License-Identifier: Apache-2.0
"""What a schema says, as ``load`` found it good: names, numbers and layouts, in their order."""

from __future__ import annotations

from dataclasses import dataclass

#: Bytes of the types that fields may have.
SIZES = {"u32": 4, "s32": 4, "u64": 8, "s64": 8, "char": 1}


@dataclass(frozen=True, slots=True)
class Value:
    """A named number; ``bit`` is its place where it is one flag of several."""

    name: str
    value: int
    bit: int | None
    hexadecimal: bool
    doc: str


@dataclass(frozen=True, slots=True)
class Group:
    """Values that belong together: ``constants``, ``enum`` or ``flags``.

    ``name`` stands in the C names of its values, ``python`` names the class that holds them.
    """

    kind: str
    name: str
    python: str
    doc: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a structure, ``offset`` bytes from its start.

    ``count`` is the number of elements of an array, 0 for a single value; ``count_name`` is the
    constant that says it, where there is one. ``doc`` begins with the direction of the data.
    """

    name: str
    type: str
    count: int
    count_name: str
    offset: int
    doc: str

    @property
    def bytes(self) -> int:
        """Return the bytes that the field takes."""
        return SIZES[self.type] * (self.count or 1)


@dataclass(frozen=True, slots=True)
class Struct:
    """A structure without holes; ``shared``: in shared memory, not an ioctl's argument."""

    name: str
    doc: str
    shared: bool
    fields: tuple[Field, ...]

    @property
    def bytes(self) -> int:
        """Return the structure's size in bytes."""
        return sum(field.bytes for field in self.fields)


@dataclass(frozen=True, slots=True)
class Ioctl:
    """A call: its number within the module's type, and the structure that it takes."""

    name: str
    number: int
    struct: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the header, with the words that open it."""

    doc: str
    groups: tuple[Group, ...]
    structs: tuple[Struct, ...]
    ioctls: tuple[Ioctl, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line ``Label: value unit`` of a /proc file; ``fixed`` ones are always there."""

    name: str
    label: str
    type: str
    unit: str
    choices: tuple[str, ...]
    fixed: bool
    doc: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, or a ``name=value`` of an observed function.

    ``none`` is the word for a value that is known to be nothing.
    """

    name: str
    label: str
    type: str
    none: str
    doc: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of tab-separated columns below a head line."""

    name: str
    doc: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Proc:
    """A /proc file: a title with a rule of ``=`` below it, lines, and what follows them.

    ``block``: the lines come once for each device, and this word and a number precede them where
    there are several. ``statistics`` are indented lines below ``statistics_heading``.
    """

    file: str
    title: str
    rule: int
    block: str
    lines: tuple[Line, ...]
    statistics_heading: str
    statistics: tuple[Line, ...]
    tables: tuple[Table, ...]
    observed_heading: str
    observed: Table | None


@dataclass(frozen=True, slots=True)
class Module:
    """All of one module's schema."""

    name: str
    abi_version: int
    ioctl_type: str
    sections: tuple[Section, ...]
    proc: Proc

    @property
    def prefix(self) -> str:
        """Return what the module's macros begin with."""
        return self.name.upper() + "_"

    def number(self, ioctl: Ioctl) -> int:
        """Return the number of ``_IO(type, number)``: no direction and no size are in it."""
        return ord(self.ioctl_type) << 8 | ioctl.number
