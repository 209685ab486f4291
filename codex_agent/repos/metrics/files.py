# SPDX-License-Identifier: Apache-2.0
"""The files of one moment, as a list with sizes and as a tree of directories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_agent.repos.errors import DamagedError
from codex_agent.repos.limits import MIB, Limits
from codex_agent.repos.points import oid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from codex_agent.repos.cache import Cache
    from codex_agent.repos.cancel import Cancel

_LIMITS = Limits(time_s=60.0, out_bytes=512 * MIB)
_DEPTH_MAX = 200


@dataclass(slots=True)
class Folder:
    """A directory: what lies below it, summed up. Names are bytes, as in git."""

    name: bytes
    folders: dict[bytes, Folder] = field(default_factory=dict)
    files: dict[bytes, int] = field(default_factory=dict)
    size: int = 0
    count: int = 0
    changes: int = 0


def sizes(cache: Cache, commit: str, cancel: Cancel | None = None) -> dict[bytes, int]:
    """Return size in bytes of every file of a commit; submodules are left out.

    A blob that is not here (partial clone) cannot be sized: DamagedError.
    """
    name = oid(commit, cache.place.id_bytes * 2)
    said = cache.git.output(
        ["ls-tree", "-r", "-l", "-z", "--full-tree", name], limits=_LIMITS, cancel=cancel
    )
    found: dict[bytes, int] = {}
    for row in said.split(b"\0"):
        if not row:
            continue
        about, _, path = row.partition(b"\t")
        fields = about.split()
        if fields[1] == b"commit":
            continue
        if not fields[3].isdigit():
            raise DamagedError(f"The size of {path!r} is not known.", "git fetch --refetch")
        found[path] = int(fields[3])
    return found


def tree(files: Mapping[bytes, int], changes: Iterable[tuple[bytes, int]] = ()) -> Folder:
    """Return the directories of a moment; deeper than 200 levels a path is one name."""
    top = Folder(b"")
    changed = dict(changes)
    for path, size in files.items():
        *above, name = path.split(b"/", _DEPTH_MAX)
        folder = top
        for part in [None, *above]:
            if part is not None:
                folder = folder.folders.setdefault(part, Folder(part))
            folder.size += size
            folder.count += 1
            folder.changes += changed.get(path, 0)
        folder.files[name] = size
    return top
