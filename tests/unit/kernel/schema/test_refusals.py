# SPDX-License-Identifier: Apache-2.0
"""A schema that could not be kept, or that is misspelt, is refused with the place of the fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.errors import CodexError
from codex_agent.kernel.schema.load import load
from codex_agent.kernel.schema.targets import HERE, texts

if TYPE_CHECKING:
    from pathlib import Path

GOOD = (HERE / "ai_mem.toml").read_text()
GPU = (HERE / "ai_gpu.toml").read_text()


def change(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


FLAGS = '{ name = "flags", type = "u32", in = "AI_MEM_ALLOC_*" }'
BAD = {
    "hole": (change(GOOD, FLAGS + ",\n", ""), "alloc.bytes would leave a hole"),
    "hole at the end": (
        change(GOOD, '"ring_bytes", type = "u64"', '"ring_bytes", type = "u32"'),
        "alloc is empty or would have a hole at its end",
    ),
    "field twice": (
        change(GOOD, '"ring_bytes", type', '"ring_offset", type'),
        "field of alloc ring_offset is there twice",
    ),
    "no size": (
        change(GOOD, '{ name = "size", type = "u32", in', '{ name = "length", type = "u32", in'),
        "does not begin with its u32 size",
    ),
    "unknown type": (change(GOOD, 'type = "u64"', 'type = "u48"'), "'u48', not one of"),
    "silent field": (
        change(GOOD, FLAGS, '{ name = "flags", type = "u32" }'),
        "says neither what goes in",
    ),
    "misspelt key": (
        change(GOOD, FLAGS, FLAGS.replace("in =", "inn =").replace(" }", ', doc = "x" }')),
        "has inn, which means nothing there",
    ),
    "ioctl twice": (change(GOOD, "number = 0x91", "number = 0x90"), "number 0x90 is there twice"),
    "ioctl too large": (change(GOOD, "number = 0x91", "number = 256"), "from 0 to 255"),
    "ioctl as text": (change(GOOD, "number = 0x91", 'number = "0x91"'), "not a number"),
    "ioctl of nothing": (change(GOOD, 'struct = "free"', 'struct = "fre"'), "does not exist"),
    "flag twice": (change(GOOD, "bit = 1", "bit = 0"), "two values of AllocFlag are the same"),
    "flag too large": (change(GOOD, "bit = 1", "bit = 32"), "from 0 to 31"),
    "true is no number": (change(GOOD, "abi_version = 1", "abi_version = true"), "not a number"),
    "constant twice": (
        change(GOOD, '"RING_SPARE_BATCHES"', '"RING_MAGIC"'),
        "constant RING_MAGIC is there twice",
    ),
    "unknown constant": (
        change(GOOD, 'count = "RING_BATCH_BLOCKS"', 'count = "RING_BLOCKS"'),
        "which no constant has",
    ),
    "name with a blank": (change(GOOD, '"mmap_offset"', '"mmap offset"'), "is no name"),
    "end of comment": (change(GOOD, '"of ALLOC"', '"of */ ALLOC"'), "not one line of plain text"),
    "end of text": (change(GOOD, '"of ALLOC"', '\'of """ ALLOC\''), "not one line of plain text"),
    "two lines": (change(GOOD, '"of ALLOC"', '"of\\nALLOC"'), "not one line of plain text"),
    "line twice": (change(GOOD, 'label = "Peak"', 'label = "Filled"'), "is there twice"),
    "unit": (change(GOOD, 'unit = "KB"', 'unit = "kB"'), "not one of"),
    "fixed below added": (
        change(GOOD, 'label = "Exports", ', 'label = "Exports", fixed = true, '),
        "stands below one that is not",
    ),
    "path first": (
        change(GOOD, 'label = "PID", type = "s32"', 'label = "PID", type = "path"'),
        "is not its last column",
    ),
    "choice of nothing": (
        change(GPU, 'choices = ["Active", "Not initialized"]', "choices = []"),
        "nothing to choose from",
    ),
    "no proc": (GOOD[: GOOD.index("[proc]")], "has no proc"),
    "no toml": ("module =", "cannot be used"),
    "empty": ("", "has no module"),
}


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD.keys())
def test_refused(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "ai_mem.toml"
    path.write_text(text)
    with pytest.raises(CodexError) as caught:
        load(path)
    assert why in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("data", [b"\xff\xfe", b"module = \x00"])
def test_refused_bytes(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(data)
    with pytest.raises(CodexError, match="cannot be used"):
        load(tmp_path / "x.toml")


def test_refused_absent(tmp_path: Path) -> None:
    with pytest.raises(CodexError, match="cannot be used"):
        load(tmp_path / "x.toml")


def test_a_schema_under_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ai_mem.toml").write_text(GPU)
    with pytest.raises(CodexError, match=r"ai_mem\.toml describes ai_gpu"):
        texts(tmp_path)


TABLES = (
    "[[section]]", "[[section.group]]", "[[section.struct]]", "[[section.ioctl]]", "[proc]",
    "[proc.statistics]", "[proc.observed]",
)  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_a_key_that_means_nothing_is_refused_everywhere(table: str, tmp_path: Path) -> None:
    path = tmp_path / "ai_gpu.toml"
    path.write_text(change(GPU, f"{table}\n", f"{table}\nbogus = 1\n"))
    with pytest.raises(CodexError, match="has bogus, which means nothing there"):
        load(path)


@pytest.mark.parametrize(
    "entry", ['{ name = "node", label = "Node"', '{ name = "peak"', '{ name = "RING", bit']
)
def test_so_it_is_inside_a_line(entry: str, tmp_path: Path) -> None:
    path = tmp_path / "ai_mem.toml"
    path.write_text(change(GOOD, entry, entry.replace("{ ", "{ bogus = 1, ")))
    with pytest.raises(CodexError, match="has bogus, which means nothing there"):
        load(path)


def test_so_it_is_in_a_table_of_proc(tmp_path: Path) -> None:
    path = tmp_path / "ai_mem.toml"
    path.write_text(change(GOOD, "[[proc.table]]\n", "[[proc.table]]\nbogus = 1\n"))
    with pytest.raises(CodexError, match="has bogus, which means nothing there"):
        load(path)
