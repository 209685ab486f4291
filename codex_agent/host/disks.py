# SPDX-License-Identifier: Apache-2.0
"""Disks: what the kernel drives as a whole block device with hardware behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host.model import Disk
from codex_agent.host.reading import Reading, Unreadable
from codex_agent.host.text import count, flag, line

if TYPE_CHECKING:
    from codex_agent.host.reading import Ledger
    from codex_agent.host.root import Root

BLOCK = "/sys/block"
_SECTOR = 512  # bytes; sysfs counts in these whatever the disk's own sector is


def names(root: Root) -> Reading[list[str]]:
    """Read the names of the disks; loop, device mapper and RAM devices have no hardware."""

    def take() -> list[str]:
        return [name for name in root.names(BLOCK) if root.exists(f"{BLOCK}/{name}/device")]

    return root.reading(BLOCK, take)


def model(root: Root, name: str) -> Reading[str]:
    """Read the model that the disk names; virtio disks have none."""
    path = f"{BLOCK}/{name}/device/model"

    def take() -> str:
        try:
            return line(root.text(path))
        except Unreadable as error:
            if error.absent:
                raise Unreadable("the driver of this disk names no model") from None
            raise

    return root.reading(path, take)


def read(root: Root, ledger: Ledger) -> list[Disk] | None:
    """Read model, size in bytes and kind of each disk."""
    found = ledger.note("disks", names(root))
    return None if found is None else [_one(root, name, ledger) for name in found]


def _one(root: Root, name: str, ledger: Ledger) -> Disk:
    here, key = f"{BLOCK}/{name}", f"disks.{name}"
    size = root.read(f"{here}/size", count).then(lambda sectors: sectors * _SECTOR)
    return Disk(
        name=name,
        model=ledger.note(f"{key}.model", model(root, name)),
        size_bytes=ledger.note(f"{key}.size_bytes", size),
        rotational=ledger.note(f"{key}.rotational", root.read(f"{here}/queue/rotational", flag)),
        read_only=ledger.note(f"{key}.read_only", root.read(f"{here}/ro", flag)),
    )
