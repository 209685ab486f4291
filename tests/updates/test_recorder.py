# SPDX-License-Identifier: Apache-2.0
"""The recorder with QEMU's own client: what is written is on the disk, in the log, and replayed."""

from __future__ import annotations

import os
import random
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support import holes, programs, write_log
from tests.support.kept_disk import KeptDisk
from tests.support.recorder import Recorder
from tests.support.replay import Replay
from tests.support.write_log import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = 1 << 30


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk with something on it."""
    made = tmp_path / "disk"
    made.write_bytes(b"-" * (1 << 20))
    os.truncate(made, SIZE)
    return made


@pytest.fixture
def recorder(disk: Path, tmp_path: Path) -> Iterator[Recorder]:
    found = Recorder(disk, tmp_path / "log")
    yield found
    if found.socket.parent.exists():
        found.end()


def _client(recorder: Recorder, *commands: str) -> None:
    """Do what a guest does, over the block layer that it uses."""
    words = [word for command in commands for word in ("-c", command)]
    options = f"driver=nbd,server.type=unix,server.path={recorder.socket},discard=unmap"
    programs.run("qemu-io", "-t", "writeback", "--image-opts", *words, options)


def test_every_kind_of_request(recorder: Recorder, disk: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    programs.run("cp", "--sparse=always", disk, before)
    _client(
        recorder,
        "write -P 0x61 0 4096",
        "flush",
        "write -f -P 0x62 4096 512",
        "write -z 8192 65536",
        "write -z -u 131072 65536",
        "discard 262144 65536",
        "read -P 0x62 4096 512",
        "read -P 0 262144 65536",
        "write -P 0x63 536870912 1048576",
    )
    recorder.end()
    found = [(w.kind, w.offset, w.size, w.forced) for w in write_log.read(tmp_path / "log")]
    wanted = [
        (Kind.WRITE, 0, 4096, False), (Kind.FLUSH, 0, 0, False), (Kind.WRITE, 4096, 512, True),
        (Kind.ZERO, 8192, 65536, False), (Kind.ZERO, 131072, 65536, False),
        (Kind.ZERO, 262144, 65536, False), (Kind.WRITE, 536870912, 1048576, False),
    ]  # fmt: skip
    # The client flushes once more before it leaves.
    assert found[: len(wanted)] == wanted
    assert {kind for kind, *_ in found[len(wanted) :]} <= {Kind.FLUSH}
    _is_replayed(before, tmp_path / "log", disk)


def test_a_burst_of_large_writes(recorder: Recorder, disk: Path, tmp_path: Path) -> None:
    """64 requests under way at once: each is answered, and is in the log once."""
    before = tmp_path / "before"
    programs.run("cp", "--sparse=always", disk, before)
    burst = [f"aio_write -q -P {n + 1} {n}M 1M" for n in range(64)]
    _client(recorder, *burst, "aio_flush", "flush")
    recorder.end()
    writes = write_log.read(tmp_path / "log")
    assert sorted(w.offset >> 20 for w in writes if w.kind is Kind.WRITE) == list(range(64))
    last = max(n for n, write in enumerate(writes) if write.kind is Kind.WRITE)
    assert write_log.certain(writes, len(writes)) > last
    _is_replayed(before, tmp_path / "log", disk)


def test_client_that_is_killed_leaves_a_log_of_what_is_on_the_disk(
    recorder: Recorder, disk: Path, tmp_path: Path
) -> None:
    before = tmp_path / "before"
    programs.run("cp", "--sparse=always", disk, before)
    writes = [f"aio_write -q -P {n + 1} {n}M 1M" for n in range(32)]
    _client(recorder, *writes[:16], "aio_flush")
    with pytest.raises(programs.ProgramError, match="status -6"):
        _client(recorder, *writes[16:], "abort")
    recorder.end()
    assert len(write_log.read(tmp_path / "log")) >= 16
    _is_replayed(before, tmp_path / "log", disk)


def test_two_recordings_one_after_the_other(disk: Path, tmp_path: Path) -> None:
    """Each log brings the disk of its beginning to the disk of its end."""
    kept = KeptDisk(tmp_path / "machine", disk)
    kept.flat()
    for number in range(2):
        before = kept.copy(tmp_path / "before")
        recorder = Recorder(kept.flat(), tmp_path / "log")
        _client(recorder, f"write -P {number + 1} {number}M 3M", "flush", "discard 2M 64k")
        recorder.end()
        assert len(write_log.read(tmp_path / "log")) >= 3
        _is_replayed(before, tmp_path / "log", kept.copy(tmp_path / "after"))


def test_a_large_range_of_zeros_takes_no_place(recorder: Recorder, disk: Path) -> None:
    used = disk.stat().st_blocks
    _client(recorder, f"discard 0 {SIZE}", f"write -z 0 {SIZE}", "read -P 0 0 1M")
    recorder.end()
    assert disk.stat().st_blocks <= used


def test_recorder_that_died_is_told(recorder: Recorder) -> None:
    recorder._process.send_signal(signal.SIGKILL)
    recorder._process.wait()
    with pytest.raises(AssertionError, match="ended with status -9"):
        recorder.end()


def test_disk_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"(?s)did not start.*there is no file"):
        Recorder(tmp_path / "none", tmp_path / "log")


def _is_replayed(before: Path, log: Path, disk: Path) -> None:
    """The log brings the disk of before to the disk of now, with a cut on the way."""
    with Replay(log, before) as replay:
        with replay.cut(len(replay.writes), random.Random(1)):
            pass
        replay.forward(len(replay.writes))
    with before.open("rb") as one, disk.open("rb") as other:
        assert holes.difference(one.fileno(), other.fileno()) is None
