# SPDX-License-Identifier: Apache-2.0
"""Reads erofs file systems without mounting them."""

import re
from pathlib import Path

from tests.support import programs


def extract(image: Path, target: Path) -> Path:
    """Unpack a file system with owners, modes, times and extended attributes (needs root)."""
    programs.run("fsck.erofs", "-d1", f"--extract={target}", "--preserve", "--xattrs", image)
    return target


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
