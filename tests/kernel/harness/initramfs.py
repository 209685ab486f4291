# SPDX-License-Identifier: Apache-2.0
"""Writes an initramfs: a cpio archive (newc) in gzip, of files that are given, owned by root."""

from __future__ import annotations

import gzip
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRAILER = "TRAILER!!!"


@dataclass(frozen=True)
class File:
    """Content and permissions of one file."""

    data: bytes
    mode: int = 0o644


def pack(files: Mapping[str, File]) -> bytes:
    """Return the archive with the folders that the paths imply; equal input gives equal bytes."""
    folders = {
        str(parent)
        for path in files
        for parent in PurePosixPath(path).parents
        if str(parent) != "."
    }
    members = [(path, stat.S_IFDIR | 0o755, b"") for path in sorted(folders)]
    members += [
        (path, stat.S_IFREG | found.mode, found.data) for path, found in sorted(files.items())
    ]
    parts = [_member(n, *member) for n, member in enumerate(members, 1)]
    parts.append(_member(0, _TRAILER, 0, b""))
    return gzip.compress(b"".join(parts), 1, mtime=0)


def read(folder: Path, pattern: str, target: str, mode: int = 0o644) -> dict[str, File]:
    """Files of a folder that match, to lie in the folder ``target`` of the archive."""
    return {
        f"{target}/{path.name}": File(path.read_bytes(), mode)
        for path in sorted(folder.glob(pattern))
    }


def _member(inode: int, path: str, mode: int, data: bytes) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08x" % value for value in fields)
    return _padded(header + name) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
