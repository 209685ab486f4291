# SPDX-License-Identifier: Apache-2.0
"""The disk of a machine between its starts, with the real qemu-img."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support import programs
from tests.support.kept_disk import KeptDisk

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 16 << 30
pytestmark = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("qemu-img", "qemu-io")), reason="no QEMU"
)


@pytest.fixture
def kept(tmp_path: Path) -> KeptDisk:
    (tmp_path / "given").write_bytes(b"g" * 4096 + bytes(1 << 20))
    return KeptDisk(tmp_path / "machine", tmp_path / "given")


def _runs(kept: KeptDisk, letter: str, sector: int) -> None:
    """Do to the disk what a start does: an overlay, in which a sector is written."""
    overlay = kept.folder / "disk.qcow2"
    if not overlay.exists():
        kept.folder.mkdir(exist_ok=True)
        words = ("-q", "-f", "qcow2", "-b", kept.base, "-F", "raw", overlay, "16G")
        programs.run("qemu-img", "create", *words)
    write = f"write -P {ord(letter)} {sector * 512} 512"
    programs.run("qemu-io", "-f", "qcow2", "-c", write, overlay)


def _beginning(disk: Path) -> bytes:
    with disk.open("rb") as file:
        return file.read(8 * 512)[::512]


def test_what_was_written_is_kept_from_form_to_form(kept: KeptDisk, tmp_path: Path) -> None:
    _runs(kept, "a", 1)
    assert _beginning(kept.copy(tmp_path / "copy")) == b"gagggggg"
    flat = kept.flat()
    assert _beginning(flat) == b"gagggggg"
    assert flat.stat().st_size == SIZE
    with flat.open("r+b") as file:
        file.write(b"r" * 512)
    assert kept.flat() == flat
    assert _beginning(kept.copy(tmp_path / "copy")) == b"ragggggg"
    _runs(kept, "b", 2)
    assert _beginning(kept.copy(tmp_path / "copy")) == b"rabggggg"
    assert _beginning(kept.flat()) == b"rabggggg"
    assert not (kept.folder / "disk.qcow2").exists()
    assert _beginning(kept.given) == b"g" * 8


def test_disk_that_was_never_started_is_the_given_one(kept: KeptDisk, tmp_path: Path) -> None:
    assert _beginning(kept.copy(tmp_path / "copy")) == b"g" * 8
    flat = kept.flat()
    assert flat != kept.given
    assert flat.stat().st_size == SIZE
    assert flat.stat().st_blocks * 512 < 2 << 20
