# SPDX-License-Identifier: Apache-2.0
"""How large the partitions are that an update is written into: those of the slot that does not run.

They are found as systemd-sysupdate finds them: on the disk of the root, by type, with a label of
ours or of none, and not with that of the running version.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_agent.host import mounts, rootdevice, udev
from codex_agent.host.reading import Unreadable
from codex_agent.host.text import count
from codex_agent.update import names

if TYPE_CHECKING:
    from codex_agent.host.root import Root
    from codex_agent.update.names import Role

EMPTY = "_empty"
SECTOR = 512  # bytes; sysfs counts in these whatever the disk's own sector is
# What follows the version in a label, as the transfers in images/tree/usr/lib/sysupdate.d have it.
LABELS: dict[Role, str] = {"root": "", "verity": "_verity", "signature": "_sig"}
WORDS: dict[Role, str] = {"root": "root", "verity": "hash tree", "signature": "signature"}
# By the type of the root: those of its hash tree and of the signature (UAPI.2).
_TYPES = {
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": (
        "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "41092b05-9fc8-4523-994f-2def0408b176",
    ),
    "b921b045-1df0-41c3-af44-4c6f280d3fae": (
        "df3300ce-d69f-4c92-978c-9bfb0f38d820", "6db69de6-29f4-4758-a7a5-962190f00ce3",
    ),
}  # fmt: skip


def sizes(root: Root, running: str) -> dict[Role, int]:
    """Return the bytes of the partition of each role, or raise ``Unreadable``.

    Where a disk has several that could be taken, the smallest counts.
    """
    device = rootdevice.find(root, mounts.host_table(root))
    if device.value is None:
        raise Unreadable(device.reason or "the root device is not known")
    if not device.value.verity:
        raise Unreadable("the root is not one of two sealed slots")
    here = rootdevice.data_partition(root, device.value)
    kinds = dict(zip(LABELS, (here.type, *_TYPES[here.type]), strict=True))
    found: dict[Role, int] = {}
    disk = f"/sys/dev/block/{here.disk}"
    for name in root.names(disk):
        if not root.exists(f"{disk}/{name}/partition"):
            continue
        known = udev.properties(root, root.text(f"{disk}/{name}/dev").strip())
        for role, kind in kinds.items():
            if known.get("ID_PART_ENTRY_TYPE", "").lower() == kind and _free(known, role, running):
                size = _bytes(root, f"{disk}/{name}/size")
                found[role] = min(found.get(role, size), size)
    for role in kinds:
        if role not in found:
            raise Unreadable(f"no partition for another {WORDS[role]} is on the disk of the root")
    return found


def _free(known: dict[str, str], role: Role, running: str) -> bool:
    """Say whether a partition is one that may be written."""
    label = _plain(known.get("ID_PART_ENTRY_NAME", ""))
    ours = label.startswith(f"{names.IMAGE}_") and label.endswith(LABELS[role])
    return label == EMPTY or (ours and label != f"{names.IMAGE}_{running}{LABELS[role]}")


def _plain(label: str) -> str:
    """Undo what udev writes for characters such as ``~``, which versions may have."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), label)


def _bytes(root: Root, path: str) -> int:
    try:
        return count(root.text(path)) * SECTOR
    except ValueError as error:
        raise Unreadable(f"{path} has unexpected content: {error}") from None
