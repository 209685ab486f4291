# SPDX-License-Identifier: Apache-2.0
"""Bytes that the root file system uses of its partition."""

import json
import struct
from pathlib import Path

from builder.errors import BuildError

from tests.bench.row import Context, Figures, Goal, Row, Subject

ROOT = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
# Offsets of fs/erofs/erofs_fs.h of Linux: the superblock lies behind the first KiB.
SUPERBLOCK, MAGIC = 1024, 0xE0F5E1E2


def used_bytes(disk: Path, offset: int) -> int:
    """Blocks times block size of the erofs that begins at ``offset``."""
    with disk.open("rb") as stream:
        stream.seek(offset + SUPERBLOCK)
        block = stream.read(128)
    magic, _, _, block_bits = struct.unpack_from("<IIIB", block)
    if magic != MAGIC:
        raise BuildError(f"There is no erofs at byte {offset} of {disk.name}.")
    (blocks,) = struct.unpack_from("<I", block, 36)
    return int(blocks) << int(block_bits)


def _subjects(context: Context) -> list[Subject]:
    disk = context.paths.image(context.version, ".raw")

    def take() -> Figures:
        table = json.loads(context.tree.output(["sfdisk", "--json", disk]))["partitiontable"]
        filled = [
            entry
            for entry in table["partitions"]
            if entry["type"].upper() == ROOT and entry.get("name") != "_empty"
        ]
        if len(filled) != 1:
            raise BuildError(f"{disk.name} has {len(filled)} filled root partitions.")
        offset = int(filled[0]["start"]) * int(table.get("sectorsize", 512))
        return {"used_mib": used_bytes(disk, offset) / (1 << 20)}

    return [Subject("ours", take)]


ROW = Row(
    "root-image",
    "Root image",
    {"used_mib": "MiB"},
    _subjects,
    [Goal("ours", "used_mib", 350)],
    quick=True,
)
