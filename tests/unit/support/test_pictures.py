# SPDX-License-Identifier: Apache-2.0
"""The comparison of screenshots."""

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.support import pictures


def _png(colour: tuple[int, int, int], spot: int = 0, size: tuple[int, int] = (100, 100)) -> bytes:
    image = Image.new("RGB", size, colour)
    image.paste((255, 0, 0), (0, 0, spot, spot))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _compare(tmp_path: Path, taken: bytes) -> None:
    stored = tmp_path / "stored.png"
    stored.write_bytes(_png((20, 20, 20)))
    pictures.compare(taken, stored, tmp_path / "report", update=False)


def test_same_and_nearly_same_pass(tmp_path: Path) -> None:
    _compare(tmp_path, _png((20, 20, 20)))
    _compare(tmp_path, _png((30, 25, 20)))
    _compare(tmp_path, _png((20, 20, 20), spot=4))


@pytest.mark.parametrize(
    "taken",
    [_png((20, 20, 20), spot=5), _png((60, 20, 20)), _png((20, 20, 20), size=(100, 101))],
    ids=["spot", "colour", "size"],
)
def test_difference_fails_and_is_kept(tmp_path: Path, taken: bytes) -> None:
    with pytest.raises(AssertionError, match="pixels differ"):
        _compare(tmp_path, taken)
    assert (tmp_path / "report/stored.png").read_bytes() == taken


def test_missing_picture_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no stored screenshot"):
        pictures.compare(b"", tmp_path / "none.png", tmp_path, update=False)


def test_update_stores_what_is_new_or_differs_and_nothing_else(tmp_path: Path) -> None:
    stored = tmp_path / "new/stored.png"
    first, rounded, other = _png((20, 20, 20)), _png((30, 25, 20)), _png((60, 20, 20))
    for taken, kept in ((first, first), (rounded, first), (other, other)):
        pictures.compare(taken, stored, tmp_path / "report", update=True)
        assert stored.read_bytes() == kept
