# SPDX-License-Identifier: Apache-2.0
"""Files with holes: their pieces, zeros in them, copies and differences."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support import holes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    """1 MiB of data between two holes, 64 GiB in all."""
    made = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    os.truncate(made, 64 << 30)
    holes.write(made, 8 * MIB, b"x" * MIB)
    yield made
    os.close(made)


def test_pieces_of_a_range(file: int) -> None:
    assert list(holes.pieces(file, 7 * MIB, 9 * MIB)) == [
        (7 * MIB, MIB, False),
        (8 * MIB, MIB, True),
        (9 * MIB, 7 * MIB, False),
    ]
    assert list(holes.pieces(file, 8 * MIB + 5, 10)) == [(8 * MIB + 5, 10, True)]
    assert list(holes.pieces(file, 8 * MIB, 0)) == []


def test_zeros_take_no_place(file: int) -> None:
    used = os.fstat(file).st_blocks
    holes.zero(file, 0, 64 << 30)
    assert os.fstat(file).st_blocks <= used
    assert holes.read(file, 8 * MIB, MIB) == bytes(MIB)


def test_copy_of_a_range_keeps_holes(file: int, tmp_path: Path) -> None:
    holes.write(file, 20 * MIB, bytes(MIB))
    with (tmp_path / "copy").open("w+b") as copy:
        holes.copy(file, 8 * MIB + 100, 1 << 30, copy.fileno())
        assert os.fstat(copy.fileno()).st_size == 1 << 30
        assert os.fstat(copy.fileno()).st_blocks * 512 <= 2 * MIB
        assert holes.read(copy.fileno(), 0, MIB) == b"x" * (MIB - 100) + bytes(100)


@pytest.mark.parametrize("place", [0, 8 * MIB + 5, 9 * MIB, (64 << 30) - 1])
def test_a_byte_that_differs_is_found_whichever_file_has_it(
    file: int, tmp_path: Path, place: int
) -> None:
    with (tmp_path / "other").open("w+b") as other:
        os.truncate(other.fileno(), 64 << 30)
        holes.write(other.fileno(), 8 * MIB, b"x" * MIB)
        # Zeros that are written are no difference to a hole.
        holes.write(other.fileno(), 30 * MIB, bytes(MIB))
        assert holes.difference(file, other.fileno()) is None
        holes.write(other.fileno(), place, b"y")
        for one, two in ((file, other.fileno()), (other.fileno(), file)):
            found = holes.difference(one, two)
            assert found is not None
            assert found <= place < found + 4 * MIB
        os.truncate(other.fileno(), 5)
        with pytest.raises(ValueError, match="not of one size"):
            holes.difference(file, other.fileno())


def test_the_end_of_a_file_is_told(file: int) -> None:
    with pytest.raises(EOFError, match="0 bytes instead of 1"):
        holes.read(file, 64 << 30, 1)
