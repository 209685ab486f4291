# SPDX-License-Identifier: Apache-2.0
"""Routes of files: heat, the tree of a moment, and history, content and blame of one file."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from codex_agent.api.envelope import Envelope
from codex_agent.api.repos import shapes
from codex_agent.api.repos.commits import numbers_of
from codex_agent.api.repos.common import (
    TAGGED,
    Repos,
    check_tag,
    number_of,
    read,
    reply,
    tag_of,
)
from codex_agent.repos import questions
from codex_agent.repos.commits import Reader
from codex_agent.repos.errors import NotFoundError, QuestionError
from codex_agent.repos.limits import MIB
from codex_agent.repos.limits import page as bounded
from codex_agent.repos.metrics.churn import churn
from codex_agent.repos.metrics.files import sizes
from codex_agent.repos.people import text
from codex_agent.repos.points import lookup, points
from codex_agent.repos.scene import Commit3D, Scene, at_time, moment

if TYPE_CHECKING:
    from codex_agent.repos.book import Book
    from codex_agent.repos.cancel import Cancel
    from codex_agent.repos.history import History

TREE_MAX = 100_000
TEXT_MAX = MIB
_DIRECTORY, _SUBMODULE = 0o040000, 0o160000
#: Bytes that are looked at to say whether a file is binary, as git does it.
_BINARY_LOOK = 8000


def add(router: APIRouter, repos: Repos) -> None:
    """Add the routes."""

    @router.get("/api/files/heatmap", response_model=shapes.Heatmap, responses=TAGGED)
    async def heatmap(
        request: Request,
        repo: shapes.RepoId = None,
        limit: Annotated[int, Query(ge=1, description="Commits to look at.")] = 1000,
        files: shapes.Limit = 1000,
    ) -> Response:
        """Return how often files changed in the newest commits, the hottest first."""

        def question(book: Book, cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag(passes_too=True))
            check_tag(request, tag)
            return book.steady(lambda h, s: _heatmap(book, h, s, limit, files, cancel)), tag

        found, tag = await repos.ask(request, repo, question, slow=True)
        return reply(tag=tag, **found)

    @router.get("/api/files/tree", response_model=Envelope[shapes.Tree], responses=TAGGED)
    async def tree(
        request: Request,
        repo: shapes.RepoId = None,
        at: shapes.MaybeSha = None,
        time: Annotated[datetime | None, Query(description="The newest commit until then.")] = None,
    ) -> Response:
        """Return the files of a commit, of a moment, or of HEAD."""

        def question(book: Book, cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)
            history, scene = book.history(), book.scene()
            number = _moment(history, scene, at, time)
            commit = Reader(history, scene.people).commit(number)
            found = sorted(sizes_of(book, history, commit.oid, cancel).items())
            rows = found[:TREE_MAX]
            return shapes.Tree(
                commit=commit.oid, timestamp=moment(commit.time), total=len(found),
                cut=len(found) > len(rows), paths=[text(path) for path, _ in rows],
                sizes=[size for _, size in rows],
            ), tag  # fmt: skip

        found, tag = await repos.ask(request, repo, question)
        return reply(found, tag)

    @router.get("/api/files/history", response_model=Envelope[list[Commit3D]], responses=TAGGED)
    async def history_(
        request: Request,
        path: shapes.FilePath,
        at: shapes.Sha,
        repo: shapes.RepoId = None,
        limit: shapes.Limit = 100,
        follow: bool = True,
    ) -> Response:
        """Return the commits that changed a file, newest first; across its renames."""

        def question(book: Book, cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)
            number_of(book.history(), book.scene(), at)
            found = questions.file_history(
                book.history().cache, at, path.encode(), limit, follow=follow, cancel=cancel
            )
            return book.steady(lambda h, s: s.commits(h, numbers_of(h, found))), tag

        found, tag = await repos.ask(request, repo, question, slow=True)
        return reply(found, tag)

    @router.get("/api/files/content", response_model=Envelope[shapes.Content], responses=TAGGED)
    async def content(
        request: Request, path: shapes.FilePath, at: shapes.Sha, repo: shapes.RepoId = None
    ) -> Response:
        """Return a file as it was at a commit."""

        def question(book: Book, _cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)
            number_of(book.history(), book.scene(), at)
            return _content(book.history(), at, path), tag

        found, tag = await repos.ask(request, repo, question)
        return reply(found, tag)

    @router.get("/api/files/blame", response_model=Envelope[list[shapes.BlameRun]],
                responses=TAGGED)  # fmt: skip
    async def blame(
        request: Request, path: shapes.FilePath, at: shapes.Sha, repo: shapes.RepoId = None
    ) -> Response:
        """Return who last touched each line of a file."""

        def question(book: Book, cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)
            number_of(book.history(), book.scene(), at)
            found = questions.blame(book.history().cache, at, path.encode(), cancel)
            return [shapes.BlameRun(run.commit, run.first, run.count) for run in found], tag

        found, tag = await repos.ask(request, repo, question, slow=True)
        return reply(found, tag)


def sizes_of(book: Book, history: History, commit: str, cancel: Cancel) -> dict[bytes, int]:
    """Return the sizes of the files of a commit; those of the last one asked for are kept."""
    return book.kept("sizes", commit, lambda: sizes(history.cache, commit, cancel))


def head_of(history: History) -> str | None:
    """Return the commit that HEAD comes to, None on a branch without one."""
    tip = history.refs().table.get("HEAD")
    return tip.commit if tip is not None else None


def _heatmap(
    book: Book, history: History, scene: Scene, limit: int, files: int, cancel: Cancel
) -> dict[str, Any]:
    head = head_of(history)
    there = sizes_of(book, history, head, cancel) if head is not None else {}
    found, over = churn(history, scene.people, limit, there)
    persons = scene.people.persons
    rows = [
        shapes.FileStats(
            path=text(row.path), change_count=row.changes, additions=row.added,
            deletions=row.deleted, last_modified=moment(row.last),
            authors=sorted(persons[who].name for who in row.authors),
            heat_level=row.heat, size=row.size,
        )
        for row in islice(found, bounded(files))
    ]  # fmt: skip
    basis = {"commits": over.commits, "lines": over.lines, "lines_reason": over.lines_reason}
    return {"data": rows, "total": len(found), "basis": basis}


def _moment(history: History, scene: Scene, at: str | None, time: datetime | None) -> int:
    """Return the commit that is meant: one by its id, the newest until then, or that of HEAD."""
    if at is not None and time is not None:
        raise QuestionError("A tree is asked for by at or by time.", "Leave one of them out.")
    head = head_of(history)
    if at is None and time is None and head is not None:
        at = head
    if at is not None:
        return number_of(history, scene, at)
    if head is None or time is None or scene.marks is None:
        raise NotFoundError("HEAD has no commit yet.", "Name a commit by at=.")
    until = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    found = at_time(history, number_of(history, scene, head), int(until.timestamp()))
    if found is None:
        raise NotFoundError("There was no commit at that time.", "Ask for a later one.")
    return found


def _content(history: History, at: str, path: str) -> shapes.Content:
    read_ = points(history.cache)
    entry = lookup(read_, at, questions.checked_path(path.encode()))
    if entry is None or entry.mode == _DIRECTORY:
        raise NotFoundError("There is no such file at this commit.", "See /api/files/tree.")
    if entry.mode == _SUBMODULE:
        raise NotFoundError("This is a submodule; its content is elsewhere.", "See its commit.")
    size = read_.header(entry.oid)[1]
    binary: bool | None = None
    shown: str | None = None
    if size <= TEXT_MAX:
        raw = read_.content(entry.oid)[1]
        binary = b"\0" in raw[:_BINARY_LOOK]
        shown = None if binary else text(raw)
    return shapes.Content(
        path=path, commit=at, sha=entry.oid, mode=f"{entry.mode:06o}", size=size, binary=binary,
        text=shown,
    )  # fmt: skip
