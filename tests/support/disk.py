# SPDX-License-Identifier: Apache-2.0
"""Copies and changes of disk images that never touch the artefacts themselves."""

from pathlib import Path

from tests.support import holes, programs
from tests.support.gpt import Partition


def copy_sparse(source: Path, target: Path) -> Path:
    """Copy a whole image; holes stay holes, so the copy takes only the used bytes."""
    programs.run("cp", "--sparse=always", "--reflink=auto", source, target)
    return target


def extract(disk: Path, partition: Partition, target: Path) -> Path:
    """Write ``partition`` to a file of its own, sparse."""
    if disk.stat().st_size < partition.offset + partition.size:
        raise AssertionError(f"{disk} ends inside partition {partition.number}")
    with disk.open("rb") as source, target.open("wb") as sink:
        holes.copy(source.fileno(), partition.offset, partition.size, sink.fileno())
    return target


def flip_bit(path: Path, offset: int) -> None:
    """Invert the lowest bit of the byte at ``offset``; a second call restores it."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        if len(byte) != 1:
            raise AssertionError(f"offset {offset} is behind the end of {path}")
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))


def fat_list(disk: Path, partition: Partition) -> list[str]:
    """Absolute paths of all files in a FAT partition."""
    listing = programs.text("mdir", "-/", "-b", "-i", f"{disk}@@{partition.offset}", "::/")
    return sorted(
        line.removeprefix("::") for line in listing.splitlines() if not line.endswith("/")
    )


def fat_read(disk: Path, partition: Partition, path: str, target: Path) -> Path:
    """Copy the file at ``path`` out of a FAT partition."""
    programs.run("mcopy", "-n", "-o", "-i", f"{disk}@@{partition.offset}", f"::{path}", target)
    return target


def fat_write(disk: Path, partition: Partition, source: Path, path: str) -> None:
    """Replace the file at ``path`` in a FAT partition."""
    programs.run("mcopy", "-n", "-o", "-i", f"{disk}@@{partition.offset}", source, f"::{path}")
