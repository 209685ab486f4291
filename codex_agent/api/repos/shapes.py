# SPDX-License-Identifier: Apache-2.0
"""The shapes of answers that the library has none for; docs/api-repositories.md lists them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel

from codex_agent.api.envelope import Envelope
from codex_agent.repos.scene import Commit3D

_SHA = r"^[0-9a-f]{40}([0-9a-f]{24})?$"

RepoId = Annotated[
    str | None,
    Query(pattern="^[0-9a-f]{16}$", description="The id of a repository; see /api/repos."),
]
Sha = Annotated[str, Query(pattern=_SHA, description="The whole id of a commit.")]
MaybeSha = Annotated[str | None, Query(pattern=_SHA, description="The whole id of a commit.")]
ShaInPath = Annotated[str, Path(pattern=_SHA)]
Limit = Annotated[int, Query(ge=1, description="Rows at most; never more than 10,000.")]
FilePath = Annotated[
    str, Query(min_length=1, max_length=4096, description="A path from the top folder.")
]


class Paged(Envelope[list[Commit3D]]):
    """A page; ``next`` is a cursor, null at the end, and ``total`` all that a ref reaches."""

    total: int | None
    next: str | None


class Hits(Envelope[list[Commit3D]]):
    """What a search found; ``cut`` says why there may be more, null where that is all."""

    cut: str | None


class FileBasis(BaseModel):
    """Over what figures were made: commits, and whether their lines are counted."""

    commits: int
    lines: bool
    lines_reason: str | None


@dataclass(frozen=True, slots=True)
class FileStats:
    """A file over the commits that were looked at; lines are null where they are not counted."""

    path: str
    change_count: int
    additions: int | None
    deletions: int | None
    last_modified: str | None
    authors: list[str]
    heat_level: float
    size: int | None


class Heatmap(Envelope[list[FileStats]]):
    """Files, the hottest first; ``total`` is how many there are in all."""

    total: int
    basis: FileBasis


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file of a difference; lines are null for a binary one, ``mode`` is octal."""

    status: str
    path: str
    old_path: str | None
    additions: int | None
    deletions: int | None
    mode: str


@dataclass(frozen=True, slots=True)
class CommitDetail(Commit3D):
    """A commit with all that it says; ``files`` are the first 1,000 of ``files_total``."""

    body: str
    authored_at: str | None
    author_offset_minutes: int | None
    committer: str
    committer_email: str
    refs: list[str]
    files: list[FileChange]
    files_total: int


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch as git prints it; what is no UTF-8 in it is shown as such."""

    text: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two commits, and where they have come apart."""

    old: str
    new: str
    merge_base: str | None
    files: list[FileChange]
    files_total: int
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of one moment, sorted by path; ``sizes`` are bytes."""

    commit: str
    timestamp: str | None
    total: int
    cut: bool
    paths: list[str]
    sizes: list[int]


@dataclass(frozen=True, slots=True)
class Content:
    """A file at a commit; ``text`` is null when it is binary or too long to show."""

    path: str
    commit: str
    sha: str
    mode: str
    size: int
    binary: bool | None
    text: str | None


@dataclass(frozen=True, slots=True)
class BlameRun:
    """``count`` lines from ``first`` on (counted from 1) that a commit was the last to touch."""

    sha: str
    first: int
    count: int


ChangeType = Literal["added", "modified", "deleted", "renamed", "copied", "type"]
CHANGE_TYPES: dict[str, ChangeType] = {
    "A": "added", "M": "modified", "D": "deleted", "R": "renamed", "C": "copied", "T": "type",
}  # fmt: skip
