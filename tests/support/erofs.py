# SPDX-License-Identifier: Apache-2.0
"""Reads erofs file systems without mounting them."""

import os
import re
import tempfile
from pathlib import Path

from tests.support import programs

_CAPABILITY = "security.capability"


def extract(image: Path, target: Path) -> Path:
    """Unpack a file system with owners, modes, times and extended attributes (needs root)."""
    programs.run("fsck.erofs", "-d1", f"--extract={target}", "--preserve", "--xattrs", image)
    _restore_capabilities(image, target)
    return target


def _restore_capabilities(image: Path, target: Path) -> None:
    """Give files their capabilities back.

    fsck.erofs 1.8 sets them first and the owner after that, at which the kernel takes them away.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        again = Path(scratch) / "tree"
        programs.run(
            "fsck.erofs", "-d1", f"--extract={again}", "--no-preserve-owner", "--xattrs", image
        )
        for directory, _, files in os.walk(again):
            for path in (Path(directory, name) for name in files):
                if _CAPABILITY in os.listxattr(path, follow_symlinks=False):
                    value = os.getxattr(path, _CAPABILITY, follow_symlinks=False)
                    os.setxattr(target / path.relative_to(again), _CAPABILITY, value)


def middle_data_byte(image: Path, path: str) -> int:
    """Offset in ``image`` of a byte of the file ``path`` that no other file shares.

    dump.erofs prints a line an extent: ``0: 0.. 4096 | 4096 : 8192.. 12288 | 4096``. The second
    range is the one in the image. The end of a file may lie beside its inode, and several ends in
    one block: the middle of the longest extent belongs to this file alone.
    """
    listing = programs.text("dump.erofs", "-e", f"--path={path}", image)
    line = r"^\s*\d+:\s*\d+\.\.\s*\d+\s*\|\s*\d+\s*:\s*(\d+)\.\.\s*(\d+)"
    ranges = re.findall(line, listing, re.MULTILINE)
    extents = [(int(start), int(end)) for start, end in ranges]
    start, end = max(extents, key=lambda extent: extent[1] - extent[0], default=(0, 0))
    if end - start < 3 * 4096 and len(extents) < 3:
        raise AssertionError(f"{path} is too small to damage it alone:\n{listing}")
    return (start + end) // 2


def used_bytes(image: Path) -> int:
    """Size of the file system itself; the partition around it is larger."""
    listing = programs.text("dump.erofs", "-s", image)
    block = re.search(r"Filesystem blocksize:\s*(\d+)", listing)
    count = re.search(r"Filesystem blocks:\s*(\d+)", listing)
    if not block or not count:
        raise AssertionError(f"dump.erofs does not tell the size:\n{listing}")
    return int(block[1]) * int(count[1])
