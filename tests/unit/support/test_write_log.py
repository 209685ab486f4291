# SPDX-License-Identifier: Apache-2.0
"""Logs of writes: what is read of them, and what a power cut may leave of a disk."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest

from tests.support import write_log
from tests.support.write_log import SECTOR

if TYPE_CHECKING:
    from pathlib import Path

FLUSH, FUA, DISCARD = 1, 2, 4


def _log(path: Path, *requests: tuple[int, bytes, int]) -> Path:
    """Write a log of requests: sector, content, flags."""
    parts = [struct.pack("<QQQI", 0x6A736677736872, 1, len(requests), SECTOR).ljust(SECTOR, b"\0")]
    for sector, content, flags in requests:
        head = struct.pack("<QQQQ", sector, len(content) // SECTOR, flags, 0)
        parts.append(head.ljust(SECTOR, b"\0"))
        parts.append(b"" if flags & DISCARD else content)
    path.write_bytes(b"".join(parts))
    return path


def _sectors(letter: bytes, count: int = 1) -> bytes:
    return letter * SECTOR * count


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return _log(
        tmp_path / "log",
        (0, _sectors(b"a", 4), 0),
        (0, b"", FLUSH),
        (1, _sectors(b"b", 2), 0),
        (3, _sectors(b"c"), FUA),
    )


def _disk(path: Path) -> Path:
    path.write_bytes(_sectors(b"-", 4))
    return path


def test_all_requests_in_their_order(log: Path) -> None:
    writes = write_log.read(log)
    assert [(w.offset, w.size, w.flush, w.forced) for w in writes] == [
        (0, 2048, False, False), (0, 0, True, False), (512, 1024, False, False),
        (1536, 512, False, True),
    ]  # fmt: skip


def test_a_log_that_breaks_off_ends_before_what_is_not_whole(log: Path) -> None:
    whole = log.read_bytes()
    for size in range(SECTOR, len(whole) + 1, 256):
        log.write_bytes(whole[:size])
        assert len(write_log.read(log)) <= 4
    log.write_bytes(whole[:-1])
    assert len(write_log.read(log)) == 3


def test_what_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(bytes(4096))
    with pytest.raises(AssertionError, match="not a log"):
        write_log.read(tmp_path / "log")


def test_what_was_flushed_or_forced_is_there_whatever_chance_says(
    log: Path, tmp_path: Path
) -> None:
    writes = write_log.read(log)
    seen = set()
    for seed in range(64):
        disk = _disk(tmp_path / "disk")
        write_log.replay(log, writes, disk, 4, random.Random(seed))
        content = disk.read_bytes()
        assert content[:SECTOR] == _sectors(b"a")
        assert content[3 * SECTOR :] == _sectors(b"c")
        seen.add(content[SECTOR : 3 * SECTOR : SECTOR])
    # Nothing, all, and either half of the request that no flush has followed.
    assert seen == {b"aa", b"bb", b"ba", b"ab"}


def test_before_the_first_flush_nothing_is_certain(log: Path, tmp_path: Path) -> None:
    writes = write_log.read(log)
    states = set()
    for seed in range(64):
        disk = _disk(tmp_path / "disk")
        write_log.replay(log, writes, disk, 1, random.Random(seed))
        states.add(disk.read_bytes()[::SECTOR])
    assert {b"----", b"aaaa"} < states


def test_a_discard_leaves_zeros(tmp_path: Path) -> None:
    log = _log(tmp_path / "log", (1, _sectors(b"x", 2), DISCARD), (0, b"", FLUSH))
    writes = write_log.read(log)
    disk = _disk(tmp_path / "disk")
    write_log.replay(log, writes, disk, 2, random.Random(1))
    assert disk.read_bytes()[::SECTOR] == b"-\0\0-"
