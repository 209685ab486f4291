# SPDX-License-Identifier: Apache-2.0
"""Writes the Python module with the constants, structures and ioctls of a kernel module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.kernel.schema.text import camel, notice, paragraph

if TYPE_CHECKING:
    from codex_agent.kernel.schema.model import Field, Group, Module, Struct, Value

_TYPES = {
    "u32": "ctypes.c_uint32",
    "s32": "ctypes.c_int32",
    "u64": "ctypes.c_uint64",
    "s64": "ctypes.c_int64",
    "char": "ctypes.c_char",
}


def emit(module: Module) -> str:
    """Return the text of ``abi/<module>.py``."""
    groups = [group for section in module.sections for group in section.groups]
    structs = [struct for section in module.sections for struct in section.structs]
    kinds = {group.kind for group in groups}
    enums = ["IntEnum", *(["IntFlag"] if "flags" in kinds else [])]
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        f"# {notice(module.name)}",
        f'"""Numbers and layouts of the module {module.name}."""',
        "",
        "from __future__ import annotations",
        "",
        "import ctypes",
        f"from enum import {', '.join(enums)}",
        "",
        f"ABI_VERSION = {module.abi_version}",
    ]
    for group in groups:
        if group.kind == "constants":
            lines += _constants(group)
    for group in groups:
        if group.kind != "constants":
            lines += _enum(group)
    lines += _ioctls(module)
    for struct in structs:
        lines += _struct(module, struct)
    return "\n".join([*lines, ""])


def _constants(group: Group) -> list[str]:
    prefix = f"{group.name}_" if group.name else ""
    lines: list[str] = []
    for value in group.values:
        lines += [f"#: {value.doc}"] if value.doc else []
        lines.append(f"{prefix}{value.name} = {_number(value)}")
    return lines


def _number(value: Value) -> str:
    return f"0x{value.value:08X}" if value.hexadecimal else str(value.value)


def _enum(group: Group) -> list[str]:
    base = "IntFlag" if group.kind == "flags" else "IntEnum"
    doc = f"{group.doc[0].upper()}{group.doc[1:]}."
    lines = ["", "", f"class {group.python}({base}):", f'    """{doc}"""', ""]
    for value in group.values:
        lines += [f"    #: {value.doc}"] if value.doc else []
        text = f"1 << {value.bit}" if value.bit is not None else _number(value)
        lines.append(f"    {value.name} = {text}")
    return lines


def _ioctls(module: Module) -> list[str]:
    lines = ["", "", "class Ioctl(IntEnum):", '    """Numbers of the calls."""', ""]
    for section in module.sections:
        lines += [f"    {call.name} = 0x{module.number(call):04X}" for call in section.ioctls]
    return lines


def _struct(module: Module, struct: Struct) -> list[str]:
    lines = ["", "", f"class {camel(struct.name)}(ctypes.Structure):"]
    lines += [
        f'    """{struct.doc[0].upper()}{struct.doc[1:]}.',
        "",
        f"    ``struct {module.name}_{struct.name}``, {struct.bytes} bytes.",
        '    """',
        "",
    ]
    for field in struct.fields:
        lines += [f"    #: {line}" for line in paragraph(field.doc.replace("@", ""), 8)]
        lines.append(f"    {field.name}: {_annotation(field)}")
    lines += ["", "    _fields_ = ("]
    lines += [f'        ("{field.name}", {_ctype(field)}),' for field in struct.fields]
    return [*lines, "    )"]


def _annotation(field: Field) -> str:
    if not field.count:
        return "int"
    return "bytes" if field.type == "char" else f"ctypes.Array[{_TYPES[field.type]}]"


def _ctype(field: Field) -> str:
    kind = _TYPES[field.type]
    return f"{kind} * {field.count_name or field.count}" if field.count else kind
