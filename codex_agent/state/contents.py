# SPDX-License-Identifier: Apache-2.0
"""What a reset erases and what it leaves, in the words and sizes of this host."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_agent.host.root import Root

STATE = "/var"


@dataclass(frozen=True, slots=True)
class Part:
    """What lies at some paths and what its loss means; ``size_bytes`` is null where unreadable."""

    what: str
    paths: tuple[str, ...]
    means: str
    size_bytes: int | None


_PARTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("configuration", ("/var/lib/codex/config",),
     ("name, network, ssh keys, settings and probes: the host asks DHCP, and nobody can log in by "
      "a key that lay there")),
    ("token and certificates",
     ("/var/lib/codex/agent", "/var/lib/codex/ca", "/var/lib/codex/ca.crt"),
     "both are made anew: who asks this host has to be given the new ones"),
    ("ssh host key", ("/var/lib/codex/ssh",),
     "a new one is made: clients have to forget the old one"),
    ("machine id", ("/var/lib/codex/machine-id",), "a new one is chosen"),
    ("state of updates", ("/var/lib/codex/update", "/var/lib/codex/boots"),
     ("which version was the newest seen, which did not start well, which GPUs answered, and what "
      "was fetched: after it, only what is older than the running version is refused as older")),
    ("comments and shared views", ("/var/lib/private/codex-agent",),
     "what people said about commits on the page, and the views that they gave away, are gone"),
    ("logs", ("/var/log",), "the journal of all boots"),
)  # fmt: skip

STAYS = (
    "both versions of the system in their slots, and which of them starts",
    "the boot entries and the boot loader",
    "the keys in the firmware, and its settings",
    "what credentials give to the host at each start",
)
# What erasing does not do, said before it is asked for.
LIMIT = (
    "The file system is made anew and the blocks are given back to the disk. A disk that does not "
    "discard blocks still holds the old ones for whoever reads it raw: erase such a disk by its "
    "own means before it leaves your hands."
)


def parts(root: Root) -> list[Part]:
    """Return what is erased, with sizes."""
    found = [Part(what, paths, means, _size(root, paths)) for what, paths, means in _PARTS]
    rest = None
    try:
        status = root.statvfs_at(root.at(STATE))
        known = [part.size_bytes for part in found]
        if None not in known:
            used = (status.f_blocks - status.f_bfree) * status.f_frsize
            rest = max(used - sum(size for size in known if size is not None), 0)
    except OSError:
        pass
    text = "what programs have kept beside it, and what the file system itself takes"
    return [*found, Part("all else", (STATE,), text, rest)]


def _size(root: Root, paths: tuple[str, ...]) -> int | None:
    total = 0
    for path in paths:
        size = _below(root.at(path))
        if size is None:
            return None
        total += size
    return total


def _below(place: str) -> int | None:
    """Return the bytes that a file or folder takes on the disk, None where a part is hidden."""
    try:
        status = os.lstat(place)
    except FileNotFoundError:
        return 0
    except OSError:
        return None
    total = status.st_blocks * 512
    if not stat.S_ISDIR(status.st_mode):
        return total
    hidden: list[OSError] = []
    for folder, names, files in os.walk(place, onerror=hidden.append):
        for name in (*names, *files):
            try:
                total += os.lstat(f"{folder}/{name}").st_blocks * 512
            except FileNotFoundError:
                continue
            except OSError:
                return None
    return None if hidden else total
