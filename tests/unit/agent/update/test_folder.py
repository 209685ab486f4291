# SPDX-License-Identifier: Apache-2.0
"""A folder as source, such as a foreign USB disk; and disks of ours that are full or broken."""

from __future__ import annotations

import errno
import os
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import names
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.fetch import Fetcher, disk_error
from codex_agent.update.source import Broken, Directory, Missing, open_source
from tests.unit.agent.update.releases import noise, sha256

if TYPE_CHECKING:
    from pathlib import Path

NAME = "codex-os_0.1.11_x86-64.efi"
CONTENT = noise(500_000, 3)
CHUNK = names.chunk("ab" * 32)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.mkdir()
    (path / NAME).write_bytes(CONTENT)
    return path


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    path = tmp_path / "stage"
    path.mkdir()
    return path


def get(disk: Path, stage: Path, size: int = len(CONTENT)) -> Fetcher:
    work = Fetcher(Directory(disk), sleep=lambda _s: None)
    work.file(NAME, size, sha256(CONTENT), stage)
    return work


def test_whole_and_resumed(disk: Path, stage: Path) -> None:
    (stage / f"{NAME}.part").write_bytes(CONTENT[:400_000])
    assert get(disk, stage).moved == 100_000
    assert (stage / NAME).read_bytes() == CONTENT


def test_path_and_file_address_are_the_same(disk: Path) -> None:
    for text in (str(disk), f"file://{disk}", f"file://localhost{disk}"):
        opened = open_source(text).open(NAME)
        assert opened.total == len(CONTENT)
        opened.close()


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1, 1])
def test_another_size(disk: Path, stage: Path, size: int) -> None:
    with pytest.raises(UpdateError) as caught:
        get(disk, stage, size)
    assert caught.value.kind is Exit.DIFFERENT


def test_links_are_not_followed(disk: Path, stage: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    (disk / NAME).unlink()
    (disk / NAME).symlink_to(secret)
    with pytest.raises(Broken):
        get(disk, stage)
    (tmp_path / "away" / CHUNK).parent.mkdir(parents=True)
    (tmp_path / "away" / CHUNK).write_bytes(b"x")
    (disk / "store").symlink_to(tmp_path / "away" / "store")
    with pytest.raises(Broken):
        Directory(disk).open(CHUNK)


def test_pipes_and_folders_do_not_hold_us(disk: Path, stage: Path) -> None:
    (disk / NAME).unlink()
    os.mkfifo(disk / NAME)
    with pytest.raises(Broken, match="not a regular file"):
        get(disk, stage)
    (disk / NAME).unlink()
    (disk / NAME).mkdir()
    with pytest.raises(Broken, match="not a regular file"):
        get(disk, stage)


def test_nothing_there(tmp_path: Path, disk: Path) -> None:
    with pytest.raises(Missing):
        Directory(disk).open(names.SUMS)
    with pytest.raises(UpdateError, match="is not a folder"):
        Directory(tmp_path / "unplugged").open(names.SUMS)


def test_a_full_disk_keeps_what_came(disk: Path, stage: Path) -> None:
    """The limit on the size of a file stands for a disk that is full."""
    limit = 300_000
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(UpdateError) as caught:
            get(disk, stage)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "cannot be written: file too large" in caught.value.message
    assert (stage / f"{NAME}.part").stat().st_size <= limit
    assert get(disk, stage).moved >= len(CONTENT) - limit
    assert (stage / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_what_a_full_disk_says(stage: Path, number: int) -> None:
    error = disk_error(OSError(number, "x"), stage)
    assert error.kind is Exit.SPACE
    assert error.message == f"{stage} is full."
