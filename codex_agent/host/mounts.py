# SPDX-License-Identifier: Apache-2.0
"""The table of mounts, as the first process sees it.

A service in a sandbox has a table of its own in which nearly everything is read-only; what the host
has mounted, and how, is told by the table of process 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_agent.host.reading import Reading
    from codex_agent.host.root import Root

HOST_TABLE = "/proc/1/mountinfo"
OWN_TABLE = "/proc/self/mountinfo"
_LIMIT = 4 * 1024 * 1024  # bytes; hosts with many containers have long tables


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo; ``device`` is ``major:minor``."""

    device: str
    inside: str
    point: str
    type: str
    source: str
    read_only: bool


def _plain(field: str) -> str:
    """Undo the octal escapes that the kernel uses for blanks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8) & 0xFF), field)


def parse(text: str) -> list[Mount]:
    """Return the mounts of a mountinfo file in its order."""
    found: list[Mount] = []
    for entry in text.splitlines():
        head, separator, tail = entry.partition(" - ")
        left, right = head.split(" "), tail.split(" ")
        if not separator or len(left) < 6 or len(right) < 3:
            raise ValueError("a line is not one of mountinfo")
        if not re.fullmatch(r"[0-9]{1,9}:[0-9]{1,9}", left[2], re.ASCII):
            raise ValueError("a device is not major:minor")
        # A file system is read-only where this mount is, or where its superblock is.
        read_only = "ro" in left[5].split(",") or "ro" in right[2].split(",")
        found.append(
            Mount(left[2], _plain(left[3]), _plain(left[4]), right[0], _plain(right[1]), read_only)
        )
    if not found:
        raise ValueError("it is empty")
    return found


def _read(root: Root, path: str) -> Reading[list[Mount]]:
    # Users can mount at places whose names are no UTF-8; that must not hide all other mounts.
    return root.reading(
        path, lambda: parse(root.data(path, _LIMIT).decode(errors="backslashreplace"))
    )


def host_table(root: Root) -> Reading[list[Mount]]:
    """Read the mounts of the host."""
    return _read(root, HOST_TABLE)


def own_table(root: Root) -> Reading[list[Mount]]:
    """Read the mounts that this process can reach."""
    return _read(root, OWN_TABLE)


def holding(table: list[Mount], path: str) -> Mount | None:
    """Return the mount that ``path`` lies on: the deepest one, and of those the last one."""
    best: Mount | None = None
    for mount in table:
        prefix = mount.point.rstrip("/") + "/"
        if (path + "/").startswith(prefix) and (
            best is None or len(mount.point) >= len(best.point)
        ):
            best = mount
    return best
