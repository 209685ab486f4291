# SPDX-License-Identifier: Apache-2.0
"""Changes to copies of disks."""

import uuid
from pathlib import Path

import pytest

from tests.support import disk, gpt


def _partition(
    offset: int, size: int, label: str = "x", kind: uuid.UUID = gpt.ROOT
) -> gpt.Partition:
    return gpt.Partition(1, kind, uuid.uuid4(), label, offset, size, read_only=False)


def test_flip_changes_one_bit_and_back(tmp_path: Path) -> None:
    file = tmp_path / "disk"
    file.write_bytes(bytes(range(16)))
    disk.flip_bit(file, 4)
    assert file.read_bytes() == bytes([0, 1, 2, 3, 5, *range(5, 16)])
    disk.flip_bit(file, 4)
    assert file.read_bytes() == bytes(range(16))


def test_flip_behind_the_end_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"x")
    with pytest.raises(AssertionError, match="behind the end"):
        disk.flip_bit(tmp_path / "disk", 1)


def test_partition_is_taken_out_whole(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"a" * 100 + bytes(5000) + b"b" * 100)
    taken = disk.extract(tmp_path / "disk", _partition(50, 5100), tmp_path / "part")
    assert taken.read_bytes() == b"a" * 50 + bytes(5000) + b"b" * 50


def test_disk_that_is_too_short_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"a" * 100)
    with pytest.raises(AssertionError, match="ends inside"):
        disk.extract(tmp_path / "disk", _partition(50, 100), tmp_path / "part")


def test_only_tells_slots_apart() -> None:
    filled, empty = _partition(0, 1, "codex-os_1"), _partition(1, 1, gpt.EMPTY)
    assert gpt.only([filled, empty], gpt.ROOT) is filled
    assert gpt.only([filled, empty], gpt.ROOT, empty=True) is empty
    with pytest.raises(AssertionError, match="2 partitions"):
        gpt.only([filled, filled], gpt.ROOT)
