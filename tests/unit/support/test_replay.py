# SPDX-License-Identifier: Apache-2.0
"""What a power cut may leave of a disk, and that a cut leaves nothing behind for the next."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.support import write_log
from tests.support.replay import SECTOR, Replay
from tests.support.write_log import Kind

if TYPE_CHECKING:
    from pathlib import Path

Request = tuple[Kind, int, bytes, bool]
FLUSH: Request = (Kind.FLUSH, 0, b"", False)


def _write(sector: int, letters: bytes, *, forced: bool = False) -> Request:
    return Kind.WRITE, sector, letters, forced


def _zero(sector: int, count: int, *, forced: bool = False) -> Request:
    return Kind.ZERO, sector, bytes(count), forced


def _sectors(letters: bytes) -> bytes:
    return b"".join(bytes([letter]) * SECTOR for letter in letters)


def _log(path: Path, *requests: Request) -> Path:
    """Write a log; a letter stands for a sector."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for kind, sector, letters, forced in requests:
        data = _sectors(letters)
        content = data if kind is Kind.WRITE else b""
        write_log.append(file, kind, sector * SECTOR, len(data), forced=forced, data=content)
    os.close(file)
    return path


def _disk(path: Path, letters: bytes = b"----") -> Path:
    path.write_bytes(_sectors(letters))
    return path


def _letters(disk: Path) -> bytes:
    return disk.read_bytes()[::SECTOR]


def _beginning(disk: Path) -> bytes:
    with disk.open("rb") as file:
        return file.read(8 * SECTOR)[::SECTOR]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return _log(
        tmp_path / "log", _write(0, b"aaaa"), FLUSH, _write(1, b"bb"), _write(3, b"c", forced=True)
    )


def test_what_was_flushed_or_forced_is_there_whatever_chance_says(
    log: Path, tmp_path: Path
) -> None:
    seen = set()
    with Replay(log, _disk(tmp_path / "disk")) as replay:
        for seed in range(64):
            with replay.cut(4, random.Random(seed)) as cut:
                found = _letters(cut.disk)
            assert found[:1] + found[3:] == b"ac"
            seen.add(found[1:3])
            assert _letters(replay.disk) == b"aaaa"
    # Nothing, all, and either half of the request that no flush has followed.
    assert seen == {b"aa", b"bb", b"ba", b"ab"}


def test_before_the_first_flush_nothing_is_certain(log: Path, tmp_path: Path) -> None:
    states = set()
    with Replay(log, _disk(tmp_path / "disk")) as replay:
        for seed in range(64):
            with replay.cut(1, random.Random(seed)) as cut:
                states.add(_letters(cut.disk))
    assert {b"----", b"aaaa"} < states


def test_the_last_request_before_a_flush_may_be_lost_until_the_flush(
    log: Path, tmp_path: Path
) -> None:
    with Replay(log, _disk(tmp_path / "disk")) as replay:
        with replay.cut(2, random.Random(0)) as cut:
            assert _letters(cut.disk) == b"aaaa"
        with pytest.raises(ValueError, match="are on the disk"), replay.cut(1, random.Random(0)):
            pass


def test_zeros_are_there_in_part_and_taken_back(tmp_path: Path) -> None:
    log = _log(tmp_path / "log", _zero(1, 2), FLUSH, _zero(2, 2))
    seen = set()
    with Replay(log, _disk(tmp_path / "disk")) as replay:
        for seed in range(64):
            with replay.cut(3, random.Random(seed)) as cut:
                seen.add(_letters(cut.disk))
            assert _letters(replay.disk) == b"-\0\0-"
    assert seen == {b"-\0\0-", b"-\0\0\0"}


def test_holes_stay_holes(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.touch()
    os.truncate(disk, 1 << 34)
    used = disk.stat().st_blocks
    log = _log(tmp_path / "log", _write(7, b"x"), FLUSH)
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    write_log.append(file, Kind.ZERO, 0, 1 << 34, forced=True)
    os.close(file)
    with Replay(log, disk) as replay:
        with replay.cut(3, random.Random(0)):
            assert _beginning(disk) == bytes(8)
        assert _beginning(disk) == bytes(7) + b"x"
        replay.forward(3)
        assert _beginning(disk) == bytes(8)
    assert disk.stat().st_blocks <= used + 64


def test_cuts_of_a_long_log_are_those_of_disks_made_anew(tmp_path: Path) -> None:
    """The undo has to be right for writes on writes; what is made anew knows no undo."""
    chance = random.Random(1)
    requests = []
    for _ in range(60):
        sector, letters = chance.randrange(13), bytes(chance.choices(b"abcdef", k=3))
        kind = chance.choice([_write(sector, letters), _zero(sector, 3), FLUSH])
        requests.append((*kind[:3], kind[0] is not Kind.FLUSH and chance.random() < 0.2))
    log = _log(tmp_path / "log", *requests)
    with Replay(log, _disk(tmp_path / "one", b"-" * 16)) as moving:
        for end in range(len(requests) + 1):
            with moving.cut(end, random.Random(end)) as cut:
                fresh = Replay(log, _disk(tmp_path / "other", b"-" * 16))
                with fresh, fresh.cut(end, random.Random(end)) as other:
                    assert _letters(cut.disk) == _letters(other.disk)
                    assert cut.parts == other.parts
        moving.forward(len(requests))
    wanted = bytearray(b"-" * 16)
    for _, sector, letters, _ in requests:
        wanted[sector : sector + len(letters)] = letters
    assert _letters(tmp_path / "one") == bytes(wanted)


def test_history_has_what_touches_a_range_and_nothing_else(tmp_path: Path) -> None:
    log = _log(tmp_path / "log", _write(0, b"aa"), FLUSH, _write(2, b"bb"), FLUSH)
    with Replay(log, _disk(tmp_path / "disk")) as replay:
        with replay.cut(2, random.Random(0)) as cut:
            first, second = (cut.history(at * SECTOR, 2 * SECTOR) for at in (0, 2))
            assert [part.number for part in first] == [0]
            assert second == ()
        with replay.cut(4, random.Random(0)) as cut:
            assert cut.history(0, 2 * SECTOR) == first
            assert cut.history(SECTOR, 2 * SECTOR) == (*first, *cut.history(2 * SECTOR, SECTOR))


def test_a_test_that_fails_leaves_the_disk_as_it_was(log: Path, tmp_path: Path) -> None:
    with Replay(log, _disk(tmp_path / "disk")) as replay:
        with pytest.raises(KeyError), replay.cut(4, random.Random(0)):
            raise KeyError
        assert _letters(replay.disk) == b"aaaa"
