# SPDX-License-Identifier: Apache-2.0
"""The device that holds the root file system, and the partitions below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.host import mounts, udev
from codex_agent.host.reading import Reading, Unreadable

if TYPE_CHECKING:
    from codex_agent.host.mounts import Mount
    from codex_agent.host.root import Root
    from codex_agent.host.udev import Partition

VERITY_UUID = "CRYPT-VERITY-"
# The root partition types of the architectures that we build for (UAPI.2).
ROOT_TYPES = frozenset(
    {
        "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",  # x86-64
        "b921b045-1df0-41c3-af44-4c6f280d3fae",  # arm64
    }
)


@dataclass(frozen=True, slots=True)
class RootDevice:
    """Device of ``/``: ``major:minor``, name of the mapping, and whether that is dm-verity."""

    device: str
    mapping: str
    verity: bool


def find(root: Root, table: Reading[list[Mount]]) -> Reading[RootDevice]:
    """Read which device ``/`` is mounted from and whether dm-verity guards it."""

    def take() -> RootDevice:
        if table.value is None:
            raise Unreadable(table.reason or "the table of mounts cannot be read")
        mount = mounts.holding(table.value, "/")
        if mount is None:
            raise Unreadable("no file system is mounted at /")
        here = f"/sys/dev/block/{mount.device}/dm"
        try:
            uuid = root.text(f"{here}/uuid").strip()
            name = root.text(f"{here}/name").strip()
        except Unreadable as error:
            # Only a mapping has this folder: without it nothing guards the root.
            if error.absent and root.exists("/sys/dev/block") and not root.exists(here):
                return RootDevice(mount.device, "", verity=False)
            raise
        return RootDevice(mount.device, name, uuid.startswith(VERITY_UUID))

    return root.reading("mountinfo, /sys/dev/block/*/dm/uuid", take)


def partitions(root: Root, device: RootDevice) -> list[Partition]:
    """Return the partitions that a mapping stands on, or raise ``Unreadable``."""
    below = f"/sys/dev/block/{device.device}/slaves"
    return [
        udev.partition(root, root.text(f"{below}/{name}/dev").strip()) for name in root.names(below)
    ]


def data_partition(root: Root, device: RootDevice) -> Partition:
    """Return the one partition below that holds the root's data, or raise ``Unreadable``."""
    found = [part for part in partitions(root, device) if part.type in ROOT_TYPES]
    if len(found) != 1:
        raise Unreadable(f"{len(found)} partitions below the root are of the root type, not one")
    return found[0]
