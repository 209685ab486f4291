# SPDX-License-Identifier: Apache-2.0
"""Which of the two root partitions is running: A is the first on the disk, B the second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host import udev
from codex_agent.host.reading import Reading, Unreadable
from codex_agent.host.rootdevice import data_partition

if TYPE_CHECKING:
    from codex_agent.host.model import Slot
    from codex_agent.host.root import Root
    from codex_agent.host.rootdevice import RootDevice


def read(root: Root, device: Reading[RootDevice]) -> Reading[Slot]:
    """Read the slot from the order of the root partitions on the disk of the running one."""

    def take() -> Slot:
        if device.value is None:
            raise Unreadable(device.reason or "the root device is not known")
        if not device.value.verity:
            raise Unreadable("the root is not one of two sealed slots")
        running = data_partition(root, device.value)
        disk = f"/sys/dev/block/{running.disk}"
        roots = []
        for name in root.names(disk):
            if root.exists(f"{disk}/{name}/partition"):
                part = udev.partition(root, root.text(f"{disk}/{name}/dev").strip())
                if part.type == running.type:
                    roots.append(part.number)
        position = sorted(roots).index(running.number) if running.number in roots else -1
        if position == 0:
            return "A"
        if position == 1:
            return "B"
        raise Unreadable(f"partition {running.number} is neither the first nor the second root")

    return root.reading("root partitions by number, /run/udev/data", take)
