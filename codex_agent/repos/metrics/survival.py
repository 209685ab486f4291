# SPDX-License-Identifier: Apache-2.0
"""How much of what was written in a year is still there, at moments of the history."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from codex_agent.repos.errors import DamagedError, TooMuchError
from codex_agent.repos.limits import MIB, Limits
from codex_agent.repos.points import oid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_agent.repos.cache import Cache
    from codex_agent.repos.cancel import Cancel

_FILE = Limits(time_s=20.0, silence_s=20.0, out_bytes=64 * MIB)


@dataclass(frozen=True, slots=True)
class Moment:
    """Lines that are there at a commit, by the year in which they were written (committer, UTC).

    ``failed`` files could not be blamed; ``files`` were. Binary files have no lines.
    """

    commit: str
    years: dict[int, int]
    files: int
    failed: int


def survival(
    cache: Cache, commits: Sequence[str], paths: Sequence[Sequence[bytes]],
    cancel: Cancel | None = None,
) -> list[Moment]:  # fmt: skip
    """Blame ``paths[i]`` at ``commits[i]``. One git a file: for the background, and for samples."""
    found = []
    for commit, names in zip(commits, paths, strict=True):
        name = oid(commit, cache.place.id_bytes * 2)
        years: Counter[int] = Counter()
        done = failed = 0
        for path in names:
            args = ["blame", "--line-porcelain", name, "--", os.fsdecode(path)]
            try:
                said = cache.git.output(args, limits=_FILE, cancel=cancel)
            except (DamagedError, TooMuchError):
                failed += 1
                continue
            done += 1
            # Lines of the file begin with a tab, so a field is never one of them.
            for line in said.split(b"\n"):
                if line.startswith(b"committer-time "):
                    stamp = int(line[15:])
                    years[datetime.fromtimestamp(stamp, UTC).year] += 1
        found.append(Moment(name, dict(years), done, failed))
    return found
