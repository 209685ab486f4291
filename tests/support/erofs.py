# SPDX-License-Identifier: Apache-2.0
"""Reads erofs file systems without mounting them."""

import re
from pathlib import Path

from tests.support import programs


def extract(image: Path, target: Path) -> Path:
    """Unpack a file system with owners, modes, times and extended attributes (needs root)."""
    programs.run("fsck.erofs", "-d1", f"--extract={target}", "--preserve", "--xattrs", image)
    return target


def first_data_byte(image: Path, path: str) -> int:
    """Offset in ``image`` at which the content of the file ``path`` begins.

    dump.erofs prints one line an extent: ``0: 0.. 4096 | 4096 : 8192.. 12288 | 4096``.
    """
    listing = programs.text("dump.erofs", "-e", f"--path={path}", image)
    for line in listing.splitlines():
        extent = re.match(r"\s*\d+:\s*\d+\.\.\s*\d+\s*\|\s*\d+\s*:\s*(\d+)\.\.", line)
        if extent:
            return int(extent[1])
    raise AssertionError(f"dump.erofs shows no extent of {path}:\n{listing}")


def used_bytes(image: Path) -> int:
    """Size of the file system itself; the partition around it is larger."""
    listing = programs.text("dump.erofs", "-s", image)
    block = re.search(r"Filesystem blocksize:\s*(\d+)", listing)
    count = re.search(r"Filesystem blocks:\s*(\d+)", listing)
    if not block or not count:
        raise AssertionError(f"dump.erofs does not tell the size:\n{listing}")
    return int(block[1]) * int(count[1])
