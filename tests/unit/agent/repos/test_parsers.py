# SPDX-License-Identifier: Apache-2.0
"""What git says is taken apart the same way wherever the pipe cuts it; garbage is refused."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_agent.repos.blocks import NONE, Commits, Files
from codex_agent.repos.changes import counted, listed
from codex_agent.repos.columns import numbers, pack, raw, u32, unpack
from codex_agent.repos.errors import DamagedError
from codex_agent.repos.graph import FIELDS, number_or, records, zone

if TYPE_CHECKING:
    from collections.abc import Iterator

OID = b"a" * 40
NAMES = st.binary(min_size=1, max_size=60).map(lambda b: b.replace(b"\0", b"x"))
COUNTED = st.lists(
    st.tuples(
        st.sampled_from([b"A", b"M", b"D", b"T", b"R"]), NAMES, NAMES,
        st.one_of(st.none(), st.integers(0, 10**6)), st.integers(0, 10**6),
    ),
    max_size=4,
)  # fmt: skip


def cut(content: bytes, places: list[int]) -> Iterator[bytes]:
    """The content in parts, cut where it happens to be."""
    at = 0
    for place in sorted(p % (len(content) + 1) for p in places):
        if place > at:
            yield content[at:place]
            at = place
    yield content[at:]


def said(files: list[tuple[bytes, bytes, bytes, int | None, int]]) -> bytes:
    """What git says of a commit, with ``--raw --numstat -z``."""
    rows, counts = b"", b""
    for status, path, old, added, deleted in files:
        digits = b"086" if status == b"R" else b""
        rows += b":100644 100755 " + OID + b" " + OID + b" " + status + digits + b"\0"
        rows += (old + b"\0" if status == b"R" else b"") + path + b"\0"
        counts += b"-\t-\t" if added is None else b"%d\t%d\t" % (added, deleted)
        counts += b"\0" + old + b"\0" + path + b"\0" if status == b"R" else path + b"\0"
    return OID + b"\0" + rows + counts


@settings(deadline=None)
@given(st.lists(COUNTED, min_size=1, max_size=4), st.lists(st.integers(0, 10**4), max_size=6))
def test_lines_survive_any_name_and_any_cut(
    commits: list[list[tuple[bytes, bytes, bytes, int | None, int]]], places: list[int]
) -> None:
    content = b"".join(map(said, commits))
    found = list(counted(cut(content, places), 40))
    assert len(found) == len(commits)
    for (oid, rows), files in zip(found, commits, strict=True):
        assert oid == OID
        expected = [
            (status, path, old if status == b"R" else b"",
             NONE if added is None else added, NONE if added is None else deleted,
             b"100644" if status == b"D" else b"100755")
            for status, path, old, added, deleted in files
        ]  # fmt: skip
        assert rows == expected


@settings(deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.sampled_from([b"A", b"M", b"D", b"T"]), NAMES)), min_size=1),
    st.lists(st.integers(0, 10**4), max_size=6),
)
def test_files_survive_any_name_and_any_cut(
    commits: list[list[tuple[bytes, bytes]]], places: list[int]
) -> None:
    content = b"".join(
        OID + b"\0" + b"".join(status + b"\0" + path + b"\0" for status, path in files)
        for files in commits
    )
    assert [rows for _, rows in listed(cut(content, places), 40)] == commits


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_garbage_is_refused_or_read_but_no_defect(content: bytes) -> None:
    for parse in (counted, listed):
        with suppress(DamagedError):
            list(parse(iter([content]), 40))
    with suppress(ValueError):
        unpack(content)


@settings(deadline=None)
@given(
    st.lists(st.lists(NAMES, min_size=len(FIELDS), max_size=len(FIELDS)), max_size=5),
    st.lists(st.integers(0, 10**4), max_size=6),
)
def test_commits_survive_any_cut(rows: list[list[bytes]], places: list[int]) -> None:
    content = b"".join(field + b"\0" for row in rows for field in row)
    found = [
        list(row) for columns in records(cut(content, places)) for row in zip(*columns, strict=True)
    ]
    assert found == rows


@pytest.mark.parametrize("content", [OID, OID + b"\0M", OID + b"\0M\0a.txt"])
def test_an_output_that_ends_early_is_refused(content: bytes) -> None:
    with pytest.raises(DamagedError):
        list(listed(iter([content]), 40))


def test_counts_of_another_file_are_refused() -> None:
    content = said([(b"M", b"one", b"", 1, 1)]).replace(b"\t1\tone", b"\t1\ttwo")
    with pytest.raises(DamagedError, match="different orders"):
        list(counted(iter([content]), 40))


@pytest.mark.parametrize(
    ("word", "value"),
    [(b"+0000", 10_000), (b"-0730", 9_550), (b"+0530", 10_330), (b"", NONE), (b"0100", NONE),
     (b"+1x00", NONE), (b"+01000", NONE)],
)  # fmt: skip
def test_zones(word: bytes, value: int) -> None:
    assert zone(word) == value


def test_numbers_that_are_none() -> None:
    assert number_or(b"12", 0) == 12
    for word in (b"", b"x", b"9" * 30, b"-" + b"9" * 30):
        assert number_or(word, -1) == -1


@given(st.dictionaries(st.text(max_size=8), st.binary(max_size=40), max_size=6))
def test_columns_come_back(columns: dict[str, bytes]) -> None:
    assert unpack(pack(columns)) == columns


def test_columns_begin_where_a_page_can_lay_arrays() -> None:
    content = pack({"a": b"x", "b": raw(u32([7]))})
    assert content.index(raw(u32([7]))) % 8 == 0
    assert numbers("I", unpack(content)["b"]).tolist() == [7]


def test_blocks_that_do_not_fit_are_refused() -> None:
    block = Files(0)
    block.state.append(0)
    block.count.append(1)
    with pytest.raises(ValueError, match="lengths"):
        Files.unpacked(0, 1, block.packed())
    with pytest.raises(ValueError, match="neighbours"):
        block.add(Files(5))
    commits = Commits(0, bytearray(), 20)
    with pytest.raises(ValueError, match="lengths"):
        Commits.unpacked(0, 3, 20, commits.packed())
