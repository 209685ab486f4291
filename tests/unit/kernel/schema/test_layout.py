# SPDX-License-Identifier: Apache-2.0
"""Structures, constants and calls are for Python what the C compiler makes of them."""

from __future__ import annotations

import ctypes
import importlib
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING

import pytest

from codex_agent.kernel.schema.load import load
from codex_agent.kernel.schema.targets import HERE, MODULES
from codex_agent.kernel.schema.text import camel
from tests.unit.kernel import compiled

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from codex_agent.kernel.schema.model import Module

HEAD = "#include <stdio.h>\n#include <stddef.h>\n#include <codex/{name}.h>\n"


def schema(name: str) -> tuple[Module, ModuleType]:
    return load(HERE / f"{name}.toml"), importlib.import_module(f"codex_agent.kernel.abi.{name}")


def asked(name: str, expressions: list[str], folder: Path) -> dict[str, int]:
    """Values of C expressions."""
    lines = [f'\tprintf("%lld\\n", (long long)({text}));' for text in expressions]
    source = HEAD.format(name=name) + "int main(void)\n{\n" + "\n".join(lines) + "\n}\n"
    values = compiled.output(source, folder).split()
    return dict(zip(expressions, map(int, values), strict=True))


@pytest.mark.parametrize("name", MODULES)
def test_structures(name: str, tmp_path: Path) -> None:
    module, abi = schema(name)
    expected: dict[str, int] = {}
    for section in module.sections:
        for struct in section.structs:
            kind = getattr(abi, camel(struct.name))
            full = f"struct {name}_{struct.name}"
            expected[f"sizeof({full})"] = ctypes.sizeof(kind)
            for field in struct.fields:
                member = getattr(kind, field.name)
                expected[f"offsetof({full}, {field.name})"] = member.offset
                expected[f"sizeof((({full} *)0)->{field.name})"] = member.size
    assert len(expected) > 50
    assert asked(name, list(expected), tmp_path) == expected


@pytest.mark.parametrize("name", MODULES)
def test_numbers(name: str, tmp_path: Path) -> None:
    module, abi = schema(name)
    prefix = module.prefix
    expected = {f"{prefix}ABI_VERSION": int(abi.ABI_VERSION)}
    for section in module.sections:
        for group in section.groups:
            inner = f"{group.name}_" if group.name else ""
            for value in group.values:
                home = getattr(abi, group.python) if group.python else abi
                python = value.name if group.python else inner + value.name
                expected[f"{prefix}{inner}{value.name}"] = int(getattr(home, python))
        for call in section.ioctls:
            expected[f"{prefix}IOC_{call.name}"] = int(getattr(abi.Ioctl, call.name))
    assert asked(name, list(expected), tmp_path) == expected


@pytest.mark.parametrize("name", MODULES)
def test_structures_survive_the_way_to_c_and_back(name: str, tmp_path: Path) -> None:
    """Every field gets a value of its own in Python; C reads it by name and prints it."""
    module, abi = schema(name)
    structs = [struct for section in module.sections for struct in section.structs]
    for struct in structs:
        kind = getattr(abi, camel(struct.name))
        packed = kind()
        scalars = [f for f in struct.fields if not f.count]
        for number, field in enumerate(scalars, 1):
            sign = -1 if field.type.startswith("s") else 1
            setattr(packed, field.name, sign * (number << (8 * (field.bytes - 1) - 1)))
        data = ", ".join(str(byte) for byte in bytes(packed))
        lines = [f'\tprintf("%lld\\n", (long long)v.{field.name});' for field in scalars]
        source = HEAD.format(name=name) + (
            "#include <string.h>\nint main(void)\n{\n"
            f"\tstatic const unsigned char data[] = {{{data}}};\n"
            f"\tstruct {name}_{struct.name} v;\n\tmemcpy(&v, data, sizeof(v));\n"
            + "\n".join(lines)
            + "\n}\n"
        )
        values = [int(word) for word in compiled.output(source, tmp_path).split()]
        assert values == [getattr(packed, field.name) for field in scalars], struct.name


def test_a_wrong_layout_would_be_found(tmp_path: Path) -> None:
    text = "sizeof(struct ai_mem_alloc)"
    assert asked("ai_mem", [text], tmp_path)[text] != 40


def test_flags_and_enumerations_have_their_types() -> None:
    memory, gpu = schema("ai_mem")[1], schema("ai_gpu")[1]
    assert issubclass(memory.AllocFlag, IntFlag)
    assert memory.AllocFlag.RING | memory.AllocFlag.SHARED == 6
    assert issubclass(gpu.State, IntEnum)
    assert ord("A") << 8 | 0x90 == memory.Ioctl.ALLOC


def test_the_numbers_of_other_headers_are_the_kernels(tmp_path: Path) -> None:
    """dma-buf and udmabuf come with the system's headers."""
    from codex_agent.kernel.memory import dmabuf, udmabuf

    source = (
        "#include <stdio.h>\n#include <linux/dma-buf.h>\n#include <linux/udmabuf.h>\n"
        'int main(void)\n{\n\tprintf("%lu %lu %zu %zu\\n", (unsigned long)DMA_BUF_IOCTL_SYNC, '
        "(unsigned long)UDMABUF_CREATE, sizeof(struct dma_buf_sync), "
        "sizeof(struct udmabuf_create));\n"
        '\tprintf("%d %d %d\\n", (int)DMA_BUF_SYNC_READ, (int)DMA_BUF_SYNC_WRITE, '
        "(int)DMA_BUF_SYNC_END);\n}\n"
    )
    found = [int(word) for word in compiled.output(source, tmp_path).split()]
    sizes = [ctypes.sizeof(dmabuf.Sync), ctypes.sizeof(udmabuf.Create)]
    flags = [dmabuf.READ, dmabuf.WRITE, dmabuf.END]
    assert found == [dmabuf.SYNC, udmabuf.CREATE, *sizes, *flags]
