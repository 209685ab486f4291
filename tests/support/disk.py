# SPDX-License-Identifier: Apache-2.0
"""Copies and changes of disk images that never touch the artefacts themselves."""

from pathlib import Path

from tests.support import programs
from tests.support.gpt import Partition

_STEP = 4 << 20


def copy_sparse(source: Path, target: Path) -> Path:
    """Copy a whole image; holes stay holes, so the copy takes only the used bytes."""
    programs.run("cp", "--sparse=always", "--reflink=auto", source, target)
    return target


def extract(disk: Path, partition: Partition, target: Path) -> Path:
    """Write ``partition`` to a file of its own, sparse."""
    with disk.open("rb") as source, target.open("wb") as sink:
        source.seek(partition.offset)
        left = partition.size
        while left:
            block = source.read(min(_STEP, left))
            if not block:
                raise AssertionError(f"{disk} ends inside partition {partition.number}")
            if block.count(0) == len(block):
                sink.seek(len(block), 1)
            else:
                sink.write(block)
            left -= len(block)
        sink.truncate(partition.size)
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
