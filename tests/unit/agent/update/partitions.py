# SPDX-License-Identifier: Apache-2.0
"""The partitions of two slots, as kernel and udev show them; the second slot runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.agent import trees

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024**2
#: Behind the ESP, in each slot: type, bytes, and what follows the version in the label.
PARTS = {
    "signature": (trees.SIGNATURE_TYPE, 16 * 1024, "_sig"),
    "verity": (trees.VERITY_TYPE, 32 * MIB, "_verity"),
    "root": (trees.ROOT_TYPE, 2048 * MIB, ""),
}


def number(slot: int, role: str) -> int:
    return 2 + 3 * slot + list(PARTS).index(role)


def lay(base: Path, other: str, running: str) -> None:
    tree = trees.Tree(base)
    trees.disk(tree, "vda", "254:0")
    trees.mountinfo(tree, "22 1 253:0 / / ro,relatime shared:1 - erofs /dev/dm-0 ro\n")
    tree.put("/sys/block/dm-0/dm/uuid", "CRYPT-VERITY-0123456789abcdef0123456789abcdef-root\n")
    tree.put("/sys/block/dm-0/dm/name", "root\n")
    tree.link("/sys/dev/block/253:0", "../../block/dm-0")
    for slot, version in enumerate((other, running)):
        for role, (kind, size, ending) in PARTS.items():
            at = number(slot, role)
            device = f"254:{at}"
            trees.partition(tree, at, device, kind, f"{at:032x}")
            resize(base, slot, role, size)
            label(base, slot, role, f"codex-os_{version}{ending}")
            if version == running and role != "signature":
                tree.put(f"/sys/block/dm-0/slaves/vda{at}/dev", f"{device}\n")


def resize(base: Path, slot: int, role: str, size: int) -> None:
    at = number(slot, role)
    trees.Tree(base).put(f"/sys/block/vda/vda{at}/size", f"{size // 512}\n")


def label(base: Path, slot: int, role: str, text: str) -> None:
    """Give a partition another label."""
    path = base / f"run/udev/data/b254:{number(slot, role)}"
    lines = [line for line in path.read_text().splitlines() if "_ENTRY_NAME=" not in line]
    path.write_text("\n".join([*lines, f"E:ID_PART_ENTRY_NAME={text}"]) + "\n")
