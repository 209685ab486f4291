# SPDX-License-Identifier: Apache-2.0
"""Writes the C header that programs and the module include: constants, structures, ioctls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.kernel.schema.text import comment, kernel_doc, macros, notice

if TYPE_CHECKING:
    from codex_agent.kernel.schema.model import Field, Group, Ioctl, Module, Section, Struct

_TYPES = {"u32": "__u32", "s32": "__s32", "u64": "__u64", "s64": "__s64", "char": "char"}


def emit(module: Module) -> str:
    """Return the text of ``include/uapi/codex/<module>.h``."""
    guard = f"_UAPI_CODEX_{module.name.upper()}_H"
    lines = [
        "/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */",
        f"/* {notice(module.name)} */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        "#include <linux/ioctl.h>",
        "#include <linux/types.h>",
        "",
        *macros([(f"{module.prefix}ABI_VERSION", str(module.abi_version), "")]),
    ]
    for section in module.sections:
        lines += _section(module, section)
    return "\n".join([*lines, "", "#endif", ""])


def _section(module: Module, section: Section) -> list[str]:
    lines = ["", *comment(section.doc)] if section.doc else []
    for group in section.groups:
        lines += _group(module, group, after_comment=bool(section.doc) and group.doc == "")
    for struct in section.structs:
        lines += _struct(module, struct)
    if section.ioctls:
        lines += ["", *macros(_ioctl(module, ioctl) for ioctl in section.ioctls)]
    return lines


def _group(module: Module, group: Group, *, after_comment: bool) -> list[str]:
    prefix = module.prefix + (f"{group.name}_" if group.name else "")
    entries = []
    for value in group.values:
        text = hex(value.value) if value.hexadecimal else str(value.value)
        if value.bit is not None:
            text = f"(1U << {value.bit})"
        entries.append((prefix + value.name, text, value.doc))
    opening = [] if after_comment else [""]
    return [*opening, *(comment(group.doc) if group.doc else []), *macros(entries)]


def _struct(module: Module, struct: Struct) -> list[str]:
    name = f"struct {module.name}_{struct.name}"
    return [
        "",
        *kernel_doc(f"{name} - {struct.doc}", ((f.name, f.doc) for f in struct.fields)),
        f"{name} {{",
        *(_field(module, field) for field in struct.fields),
        "};",
    ]


def _field(module: Module, field: Field) -> str:
    length = module.prefix + field.count_name if field.count_name else str(field.count)
    array = f"[{length}]" if field.count else ""
    return f"\t{_TYPES[field.type]} {field.name}{array};"


def _ioctl(module: Module, ioctl: Ioctl) -> tuple[str, str, str]:
    number = f"_IO('{module.ioctl_type}', {ioctl.number:#04x})"
    return f"{module.prefix}IOC_{ioctl.name}", number, f"struct {module.name}_{ioctl.struct}"
