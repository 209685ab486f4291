# SPDX-License-Identifier: Apache-2.0
"""What is asked of git for one commit, two moments or one file, each within the bounds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.repos.blocks import BINARY
from codex_agent.repos.changes import COUNTS, counted
from codex_agent.repos.errors import DamagedError, NotFoundError, QuestionError
from codex_agent.repos.limits import MIB, Limits, page
from codex_agent.repos.people import text
from codex_agent.repos.points import oid

if TYPE_CHECKING:
    from codex_agent.repos.cache import Cache
    from codex_agent.repos.cancel import Cancel

PATCH_MAX = 8 * MIB
_DIFF = ("--no-color", "--no-ext-diff", "--no-textconv", "-M")
_PATH_MAX = 4096


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file of a difference; ``old`` before a rename. Counts are None for a binary one."""

    status: str
    path: bytes
    old: bytes | None
    added: int | None
    deleted: int | None
    mode: int


@dataclass(frozen=True, slots=True)
class BlameLine:
    """Who last touched a run of lines: ``count`` of them, from ``first`` on (counted from 1)."""

    commit: str
    first: int
    count: int


def checked_path(path: bytes) -> bytes:
    """Check a path that a client gave; it is only ever looked up in trees, never on the disk."""
    parts = path.split(b"/")
    if len(path) > _PATH_MAX or b"\0" in path or {b"", b".", b".."} & set(parts):
        raise QuestionError(
            f"{text(path)[:80]!r} is not a path in a repository.", "Paths begin at the top folder."
        )
    return path


def _files(parts: bytes, digits: int) -> list[FileChange]:
    found: list[FileChange] = []
    for _, rows in counted(iter([parts]), digits):
        for status, path, old, added, deleted, mode in rows:
            binary = added == BINARY
            found.append(
                FileChange(
                    status.decode(), path, old or None, None if binary else added,
                    None if binary else deleted, int(mode, 8),
                )
            )  # fmt: skip
    return found


def files_of(cache: Cache, commit: str, cancel: Cancel | None = None) -> list[FileChange]:
    """Return what a commit changed; nothing for a merge, as ``git log`` says it."""
    digits = cache.place.id_bytes * 2
    given = f"{oid(commit, digits)}\n".encode()
    return _files(cache.git.output(COUNTS, given=given, cancel=cancel), digits)


def patch(
    cache: Cache, commit: str, cancel: Cancel | None = None, *, old: str | None = None,
    path: bytes | None = None,
) -> bytes:  # fmt: skip
    """Return the patch of a commit, or from ``old`` to it, as git prints it; of one file if asked.

    TooMuchError beyond ``PATCH_MAX``.
    """
    digits = cache.place.id_bytes * 2
    words = [oid(commit, digits)] if old is None else [oid(old, digits), oid(commit, digits)]
    args = ["diff-tree", "-r", "--root", "--no-commit-id", "-p", *_DIFF, *words]
    args += ["--", os.fsdecode(checked_path(path))] if path is not None else []
    return cache.git.output(args, limits=Limits(out_bytes=PATCH_MAX), cancel=cancel)


def compare(cache: Cache, old: str, new: str, cancel: Cancel | None = None) -> list[FileChange]:
    """Return what differs between two commits."""
    digits = cache.place.id_bytes * 2
    words = [oid(old, digits), oid(new, digits)]
    args = ["diff-tree", "-r", "-z", "--raw", "--numstat", "--no-abbrev", *_DIFF, *words]
    said = cache.git.output(args, cancel=cancel)
    return _files(words[1].encode() + b"\0" + said, digits)


def file_history(
    cache: Cache, tip: str, path: bytes, limit: int, *, follow: bool = True,
    cancel: Cancel | None = None,
) -> list[str]:  # fmt: skip
    """Return the commits that changed a file, newest first; across its renames if ``follow``.

    With the changed-path filters of our commit-graph git opens few of the others.
    """
    args = ["log", "--format=%H", f"--max-count={page(limit)}"]
    args += ["--follow", "-M"] if follow else []
    args += [oid(tip, cache.place.id_bytes * 2), "--", os.fsdecode(checked_path(path))]
    return cache.git.output(args, cancel=cancel).decode().split()


def blame(cache: Cache, commit: str, path: bytes, cancel: Cancel | None = None) -> list[BlameLine]:
    """Return who last touched each line of a file. By git: libgit2 takes many times as long."""
    name = oid(commit, cache.place.id_bytes * 2)
    args = ["blame", "--incremental", name, "--", os.fsdecode(checked_path(path))]
    try:
        said = cache.git.output(args, cancel=cancel)
    except DamagedError as error:
        if "no such path" in error.message:
            raise NotFoundError(error.message, "git ls-tree -r --name-only") from None
        raise
    digits = cache.place.id_bytes * 2
    found: list[BlameLine] = []
    for line in said.split(b"\n"):
        words = line.split(b" ")
        if len(words) == 4 and len(words[0]) == digits and all(w.isdigit() for w in words[1:]):
            found.append(BlameLine(words[0].decode(), int(words[2]), int(words[3])))
    return sorted(found, key=lambda run: run.first)
