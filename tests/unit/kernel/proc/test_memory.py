# SPDX-License-Identifier: Apache-2.0
"""/proc/ai_memory is read whole or not at all."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import pytest

from codex_agent.host.root import Root
from codex_agent.kernel.abi.ai_mem_proc import Node, Owner
from codex_agent.kernel.errors import Unavailable
from codex_agent.kernel.proc import parse_memory, read_memory
from tests.unit.kernel.proc import texts

if TYPE_CHECKING:
    from pathlib import Path


def refusal(data: bytes) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        parse_memory(data)
    return caught.value


def test_whole() -> None:
    memory = parse_memory(texts.MEMORY)
    assert astuple(memory.status) == (
        256, 4, 65536, 8192, 268435456, 1052672, 4096, 2, 1,
    )  # fmt: skip
    assert memory.nodes == (Node(0, 134217728, 8192), Node(1, 134217728, 0))
    assert memory.owners == (
        Owner(812, 0, 4096, "/system.slice/codex\\x2dagent.service"),
        Owner(0, 4294967295, 4096, None),
    )


def test_added_lines_may_be_missing_and_are_then_none() -> None:
    memory = parse_memory(texts.MEMORY_FIXED)
    assert memory.status.allocated_bytes == 8192
    assert (memory.status.filled_bytes, memory.status.owners) == (None, None)
    assert (memory.nodes, memory.owners) == (None, None)
    some = parse_memory(texts.MEMORY_FIXED + b"Peak: 0 bytes\nExports: 3\n")
    assert (some.status.filled_bytes, some.status.peak_bytes, some.status.exports) == (None, 0, 3)


def test_a_later_version_may_add_lines() -> None:
    later = texts.MEMORY_FIXED + b"Huge Pages: 4 of 2 MB\n" + texts.MEMORY_ADDED
    assert parse_memory(later).status.exports == 1


def test_empty_tables_are_empty_not_absent() -> None:
    heads = b"\nNode\tFilled\tAllocated\n\nPID\tUID\tBytes\tCgroup\n"
    memory = parse_memory(texts.MEMORY_FIXED + heads)
    assert (memory.nodes, memory.owners) == ((), ())


def test_a_control_group_cannot_spoil_the_text() -> None:
    """Its name may hold every byte but a newline; whoever may make groups chooses it."""
    name = b"/a\tb\xff\x1b[31m\xc2\x85\xe2\x80\xa8 \xc3\xa4"
    head = b"\nPID\tUID\tBytes\tCgroup\n"
    memory = parse_memory(texts.MEMORY_FIXED + head + b"7\t0\t4096\t" + name + b"\n")
    assert memory.owners is not None
    assert memory.owners[0].cgroup == "/a\tb\\xff\\x1b[31m\\x85\\u2028 ä"


MALFORMED = {
    "empty": (b"", "the text is empty"),
    "other title": (texts.GPU, "line 1"),
    "short rule": (texts.MEMORY.replace(b"=\n", b"\n"), "line 2"),
    "other label": (texts.MEMORY.replace(b"Block Size", b"Block size"), "line 4"),
    "no unit": (texts.MEMORY.replace(b" MB", b""), "line 3"),
    "other unit": (texts.MEMORY.replace(b" MB", b" GB"), "line 3"),
    "two blanks": (texts.MEMORY.replace(b" MB", b"  MB"), "line 3"),
    "fraction": (texts.MEMORY.replace(b"65536", b"65536.0"), "line 5"),
    "negative": (texts.MEMORY.replace(b"65536", b"-1"), "line 5"),
    "sign": (texts.MEMORY.replace(b"65536", b"+65536"), "line 5"),
    "grouped": (texts.MEMORY.replace(b"65536", b"65_536"), "line 5"),
    "leading zero": (texts.MEMORY.replace(b"65536", b"065536"), "line 5"),
    "foreign digits": (texts.MEMORY.replace(b"65536", "٦٥".encode()), "line 5"),
    "65 bits": (texts.MEMORY.replace(b"65536", b"18446744073709551616"), "line 5"),
    "many digits": (texts.MEMORY.replace(b"65536", b"9" * 4000), "line 5"),
    "32 bits": (texts.MEMORY.replace(b"Owners: 2", b"Owners: 4294967296"), "line 10"),
    "nothing": (texts.MEMORY.replace(b"65536", b""), "line 5"),
    "twice": (texts.MEMORY.replace(b"Owners: 2\n", b"Owners: 2\nOwners: 2\n"), "line 11"),
    "fixed twice": (texts.MEMORY.replace(b"Owners: 2\n", b"Block Size: 4 KB\n"), "line 10"),
    "wrong order": (texts.MEMORY_FIXED + b"Peak: 0 bytes\nFilled: 0 bytes\n", "line 8"),
    "no line": (texts.MEMORY_FIXED + b"garbage\n", "line 7"),
    "NUL": (texts.MEMORY.replace(b"Peak", b"Pe\0k"), "line 8 is not text"),
    "binary": (bytes(range(256)), "line 1"),
    "cut off": (texts.MEMORY[:-1], "has no end"),
    "carriage returns": (texts.MEMORY.replace(b"\n", b"\r\n"), "line 1"),
    "unknown table": (texts.MEMORY_FIXED + b"\nA\tB\n1\t2\n", "nothing should follow"),
    "tables swapped": (
        texts.MEMORY_FIXED + b"\nPID\tUID\tBytes\tCgroup\n\nNode\tFilled\tAllocated\n",
        "nothing should follow",
    ),
    "few columns": (texts.MEMORY.replace(b"1\t134217728\t0", b"1\t134217728"), "line 15"),
    "many columns": (texts.MEMORY.replace(b"1\t134217728\t0", b"1\t1\t1\t1"), "line 15"),
    "no path": (texts.MEMORY.replace(b"\tunavailable", b"\tsystem.slice"), "line 19"),
    "overlong line": (texts.MEMORY.replace(b"/system", b"/" + b"x" * 9000), "line 18 is longer"),
    "empty end": (texts.MEMORY + b"\n", "nothing should follow"),
}


@pytest.mark.parametrize(("data", "where"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed(data: bytes, where: str) -> None:
    error = refusal(data)
    assert error.reason.startswith("malformed: ")
    assert where in error.reason
    assert error.reason.isprintable()
    assert len(error.reason) <= 400
    assert error.hint


def test_read_from_a_host(tmp_path: Path) -> None:
    root = Root(str(tmp_path))
    with pytest.raises(Unavailable, match="ai_mem is not loaded") as absent:
        read_memory(root)
    assert absent.value.hint == "load it: modprobe ai_mem"
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/ai_memory").write_bytes(texts.MEMORY)
    assert read_memory(root) == parse_memory(texts.MEMORY)
    (tmp_path / "proc/ai_memory").write_bytes(b"x" * (5 << 20))
    with pytest.raises(Unavailable, match="longer than"):
        read_memory(root)
    (tmp_path / "proc/ai_memory").unlink()
    (tmp_path / "proc/ai_memory").mkdir()
    with pytest.raises(Unavailable, match="is a directory"):
        read_memory(root)
