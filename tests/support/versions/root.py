# SPDX-License-Identifier: Apache-2.0
"""Roots: a copy of a tree, packed into erofs, and the hash tree over it; the same each time."""

import hashlib
import re
import uuid
from pathlib import Path

from builder.errors import BuildError

from tests.support import programs
from tests.support.versions.source import HashTree

#: The time that images/scripts/seal gives to files.
EPOCH = 1577836800
#: When the file system says that it was made: not that of files, as it is not in an image. Inodes
#: with the time of their file system are stored shorter, and all that follows would be moved.
BUILT = EPOCH + 1
#: lz4 is packed in a second; zstd,level=6 is what images/partitions/12-root-a.conf has, and takes
#: twenty times as long.
FAST, AS_BUILT = "lz4", "zstd,level=6"


def copy(tree: Path, target: Path) -> Path:
    """Copy a tree with owners, modes, times, links and extended attributes (needs root)."""
    programs.run("cp", "--archive", "--reflink=auto", tree, target)
    return target


def identifier(*words: str) -> str:
    """Return a UUID that is the same for the same words."""
    return str(uuid.UUID(hashlib.sha256("\n".join(words).encode()).hexdigest()[:32]))


def pack(tree: Path, target: Path, *, name: str, compression: str = FAST) -> Path:
    """Pack a tree as systemd-repart does, with times and UUID that do not depend on the day."""
    programs.run(
        "mkfs.erofs", "--quiet", f"-U{name}", f"-T{BUILT}", "--mkfs-time", f"-z{compression}",
        target, tree,
    )  # fmt: skip
    return target


def hash_tree(root: Path, target: Path, like: HashTree) -> str:
    """Write the hash tree of a root; return the root hash."""
    text = programs.text(
        "veritysetup", "format", f"--uuid={like.uuid}", f"--salt={like.salt}",
        f"--hash={like.algorithm}", f"--data-block-size={like.data_block}",
        f"--hash-block-size={like.hash_block}", root, target,
    )  # fmt: skip
    found = re.search(r"^Root hash:\s+([0-9a-f]{64})$", text, re.MULTILINE)
    if found is None:
        raise AssertionError(f"veritysetup does not tell the root hash:\n{text}")
    return found[1]


def must_fit(path: Path, room: int, what: str) -> None:
    """BuildError when a file is larger than the partition that it is for."""
    size = path.stat().st_size
    if size > room:
        raise BuildError(
            f"The {what} of this version has {size} bytes, and its partition {room}.",
            hint="Change less of it, or pack it better (compression=root.AS_BUILT).",
        )
