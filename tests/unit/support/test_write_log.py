# SPDX-License-Identifier: Apache-2.0
"""Logs of writes: what is read of them, whole or broken off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support import write_log
from tests.support.write_log import Kind

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    write_log.append(file, Kind.WRITE, 0, 2048, data=b"a" * 2048)
    write_log.append(file, Kind.FLUSH)
    write_log.append(file, Kind.ZERO, 1 << 40, 1 << 33)
    write_log.append(file, Kind.WRITE, 1536, 512, forced=True, data=bytearray(b"c" * 512))
    os.close(file)
    return path


def test_all_requests_in_their_order(log: Path) -> None:
    writes = write_log.read(log)
    assert [(w.kind, w.offset, w.size, w.forced) for w in writes] == [
        (Kind.WRITE, 0, 2048, False), (Kind.FLUSH, 0, 0, False),
        (Kind.ZERO, 1 << 40, 1 << 33, False), (Kind.WRITE, 1536, 512, True),
    ]  # fmt: skip
    content = log.read_bytes()
    assert content[writes[0].data : writes[1].at] == b"a" * 2048
    assert content[writes[3].data :] == b"c" * 512


def test_a_log_that_breaks_off_ends_before_what_is_not_whole(log: Path) -> None:
    whole = log.read_bytes()
    ends = [write.at for write in write_log.read(log)[1:]] + [len(whole)]
    for size in range(len(whole) + 1):
        log.write_bytes(whole[:size])
        assert len(write_log.read(log)) == sum(end <= size for end in ends)


@pytest.mark.parametrize("place", ["beginning", "middle"])
def test_what_is_no_log(log: Path, place: str) -> None:
    content = log.read_bytes()
    at = write_log.read(log)[2].at if place == "middle" else 0
    log.write_bytes(content[:at] + b"\0" + content[at + 1 :])
    with pytest.raises(AssertionError, match=f"not a log of writes at byte {at}"):
        write_log.read(log)


def test_what_is_certain_ends_at_the_last_flush(log: Path) -> None:
    writes = write_log.read(log)
    assert [write_log.certain(writes, end) for end in range(5)] == [0, 0, 1, 1, 1]
