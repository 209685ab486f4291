# SPDX-License-Identifier: Apache-2.0
"""Room is held back for the journal of boots, and given back to it when there is no other."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from codex_agent.errors import CodexError
from codex_agent.host import boots
from codex_agent.probe import record, reserve
from codex_agent.provision import files
from tests.unit.agent.probe.starts import GPU_DEAD, judged, live, root_only, start

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.unit.agent.trees import Tree

ROOM = f"{boots.FOLDER}/{reserve.NAME}"


@root_only
def test_a_good_boot_holds_room_back(image: Tree) -> None:
    live(image, "0.1.57", 1)
    assert image.path(ROOM).stat().st_blocks * 512 >= reserve.BYTES
    live(image, "0.1.57", 2)
    assert image.path(ROOM).stat().st_size == reserve.BYTES


@root_only
def test_a_full_disk_gives_it_to_the_journal(image: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    live(image, "0.1.57", 1)
    really = files.write

    def full(path: Path, content: bytes, mode: int) -> None:
        if image.path(ROOM).exists():
            raise CodexError(f"{path} cannot be written: no space left on device.")
        really(path, content, mode)

    monkeypatch.setattr(files, "write", full)
    start(image, "0.1.58", 2, "+2-1")
    assert record.begin(image.root) is None
    assert record.finish(image.root, judged(image, GPU_DEAD)) is None
    assert not image.path(ROOM).exists()
    assert [(b.version, b.verdict) for b in boots.journal(image.root)] == [
        ("0.1.57", "healthy"), ("0.1.58", "failed"),
    ]  # fmt: skip


@root_only
def test_a_disk_that_stays_full_is_told(image: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    live(image, "0.1.57", 1)

    def full(path: Path, _content: bytes, _mode: int) -> None:
        raise CodexError(f"{path} cannot be written: no space left on device.")

    monkeypatch.setattr(files, "write", full)
    said = record.begin(image.root)
    assert said is not None
    assert "no space left on device" in said


def test_no_room_to_hold_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int, _offset: int, _size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    said = reserve.hold(tmp_path)
    assert said == "No room is held back for the journal of boots: no space left on device."
    assert list(tmp_path.iterdir()) == []
    assert not reserve.give(tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"kept")
    (tmp_path / reserve.NAME).symlink_to(tmp_path / "other")
    assert reserve.hold(tmp_path) is not None
    assert (tmp_path / "other").read_bytes() == b"kept"
