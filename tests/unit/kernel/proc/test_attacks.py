# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to a text on its way: a figure is the module's own, or there is none."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.kernel.errors import Unavailable
from codex_agent.kernel.proc import parse_gpu, parse_memory
from tests.unit.kernel.proc import texts

if TYPE_CHECKING:
    from collections.abc import Callable

FILES: list[tuple[Callable[[bytes], Any], bytes]] = [
    (parse_memory, texts.MEMORY),
    (parse_gpu, texts.GPU),
    (parse_gpu, texts.GPU_TWO),
]


def attempt(parse: Callable[[bytes], Any], data: bytes) -> Any:
    """What the parser says; anything but a value and ``Unavailable`` is a failure."""
    try:
        return parse(data)
    except Unavailable as error:
        if not error.reason.startswith("malformed: "):
            raise
        return None


def consists_of(part: Any, whole: Any) -> bool:
    """Whether a value is that of the whole text, or says nothing where that says something."""
    if isinstance(part, tuple):
        if not isinstance(whole, tuple) or len(part) > len(whole):
            return False
        return all(consists_of(a, b) for a, b in zip(part, whole, strict=False))
    return part is None or part == whole


@pytest.mark.parametrize(("parse", "text"), FILES)
def test_cut_off_anywhere(parse: Callable[[bytes], Any], text: bytes) -> None:
    whole = astuple(parse(text))
    for length in range(len(text)):
        found = attempt(parse, text[:length])
        assert found is None or text[length - 1 : length] == b"\n", length
        assert found is None or consists_of(astuple(found), whole), length


@pytest.mark.parametrize(("parse", "text"), FILES)
def test_any_line_lost_or_doubled(parse: Callable[[bytes], Any], text: bytes) -> None:
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        less = attempt(parse, b"".join(lines[:number] + lines[number + 1 :]))
        if b": " in line and not line.startswith(b"Status"):
            assert less is None or None in flat(astuple(less))
        attempt(parse, b"".join([*lines[:number], line, *lines[number:]]))


def flat(value: Any) -> list[Any]:
    if not isinstance(value, tuple):
        return [value]
    return [leaf for entry in value for leaf in flat(entry)]


@given(st.data())
def test_any_byte_changed(data: st.DataObject) -> None:
    parse, text = data.draw(st.sampled_from(FILES))
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255))
    attempt(parse, text[:place] + bytes([byte]) + text[place + 1 :])


@given(st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    for parse in (parse_memory, parse_gpu):
        assert attempt(parse, data) is None


@given(st.binary(max_size=300))
def test_any_bytes_behind_a_good_start(tail: bytes) -> None:
    for parse, text in ((parse_memory, texts.MEMORY_FIXED), (parse_gpu, texts.GPU_TITLE)):
        attempt(parse, text + tail)


@given(
    pool=st.integers(0, 2**64 - 1),
    allocated=st.integers(0, 2**64 - 1),
    block=st.integers(0, 2**32 - 1),
)
def test_every_number_that_fits_comes_through(pool: int, allocated: int, block: int) -> None:
    text = texts.MEMORY_FIXED.replace(b"256 MB", b"%d MB" % pool)
    text = text.replace(b"8192 bytes", b"%d bytes" % allocated).replace(b"4 KB", b"%d KB" % block)
    status = parse_memory(text).status
    assert (status.pool_size_mib, status.allocated_bytes, status.block_size_kib) == (
        pool, allocated, block,
    )  # fmt: skip


@given(st.text(alphabet=st.characters(exclude_characters="\n\0"), min_size=1, max_size=60))
def test_every_name_of_a_control_group_is_shown_in_one_line(name: str) -> None:
    row = f"\nPID\tUID\tBytes\tCgroup\n1\t0\t4096\t/{name}\n".encode("utf-8", "surrogatepass")
    owners = parse_memory(texts.MEMORY_FIXED + row).owners
    assert owners is not None
    assert len(owners) == 1
    assert owners[0].cgroup is not None
    assert owners[0].cgroup.replace("\t", "").isprintable()
