# SPDX-License-Identifier: Apache-2.0
"""Mounted file systems that keep data, and how full they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host import mounts
from codex_agent.host.model import Filesystem
from codex_agent.host.reading import Reading, Unreadable
from codex_agent.host.root import why

if TYPE_CHECKING:
    from codex_agent.host.mounts import Mount
    from codex_agent.host.reading import Ledger
    from codex_agent.host.root import Root

# Kept on devices but not named /dev/… in the table of mounts.
_BY_NAME = {"bcachefs", "btrfs", "zfs"}
# A server that is down would block whoever asks these.
_REMOTE = {"9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "lustre", "nfs", "nfs4", "smb3"}
_REMOTE_PREFIX = "fuse"


def is_remote(mount: Mount) -> bool:
    """Say whether the file system may be served by something that can be away."""
    return mount.type in _REMOTE or mount.type.split(".")[0] == _REMOTE_PREFIX


def keeps_data(mount: Mount) -> bool:
    """Say whether the mount is one of those that a person means by "file systems"."""
    if mount.type in ("devtmpfs", "overlay"):
        # The overlays of containers are many and show nothing of their own; one at / is the root.
        return mount.type == "overlay" and mount.point == "/"
    return mount.source.startswith("/dev/") or mount.type in _BY_NAME or is_remote(mount)


def chosen(table: list[Mount]) -> list[Mount]:
    """Return the mounts to show: one for each file system, the first that shows most of it."""
    kept: dict[tuple[str, str], Mount] = {}
    # A later mount at the same place hides the earlier one.
    for mount in {mount.point: mount for mount in table}.values():
        if not keeps_data(mount):
            continue
        key = (mount.device, mount.source)
        best = kept.get(key)
        if best is None or len(mount.inside) < len(best.inside):
            kept[key] = mount
    return list(kept.values())


def read(root: Root, table: Reading[list[Mount]], ledger: Ledger) -> list[Filesystem] | None:
    """Read type, device and sizes in bytes of each mounted file system."""
    picked = ledger.note("filesystems", table.then(chosen))
    if picked is None or table.value is None:
        return None
    own = mounts.own_table(root)
    on_demand = {mount.point for mount in table.value if mount.type == "autofs"}
    return [_one(root, mount, own, mount.point in on_demand, ledger) for mount in picked]


def _one(
    root: Root,
    mount: Mount,
    own: Reading[list[Mount]],
    on_demand: bool,
    ledger: Ledger,
) -> Filesystem:
    def take() -> tuple[int, int]:
        if is_remote(mount):
            raise Unreadable("a remote file system is not asked, its server could block the answer")
        if on_demand:
            raise Unreadable("it is mounted on demand, asking would keep it mounted")
        if own.value is None:
            raise Unreadable(own.reason or "the table of mounts cannot be read")
        seen = mounts.holding(own.value, mount.point)
        if seen is None or (seen.device, seen.source) != (mount.device, mount.source):
            raise Unreadable("it cannot be reached from the sandbox of this process")
        try:
            figures = root.statvfs_at(root.at(mount.point))
        except OSError as error:
            raise why(mount.point, error) from None
        return figures.f_blocks * figures.f_frsize, figures.f_bavail * figures.f_frsize

    sizes = root.reading(f"statvfs {mount.point}", take)
    total = sizes.then(lambda pair: pair[0])
    available = sizes.then(lambda pair: pair[1])
    return Filesystem(
        mount=mount.point,
        source=mount.source,
        type=mount.type,
        read_only=mount.read_only,
        total_bytes=ledger.note(f"filesystems.{mount.point}.total_bytes", total),
        available_bytes=ledger.note(f"filesystems.{mount.point}.available_bytes", available),
    )
