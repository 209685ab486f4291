# SPDX-License-Identifier: Apache-2.0
"""Routes of commits: the first screen, pages, single ones, patches, comparison, search."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from codex_agent.api.envelope import Envelope
from codex_agent.api.repos import shapes
from codex_agent.api.repos.common import (
    ERRORS,
    TAGGED,
    Repos,
    check_tag,
    number_of,
    read,
    reply,
    tag_of,
)
from codex_agent.repos import questions
from codex_agent.repos.book import Book, Repository
from codex_agent.repos.commits import Reader, first_screen, pages
from codex_agent.repos.errors import QuestionError
from codex_agent.repos.limits import page as bounded
from codex_agent.repos.people import text
from codex_agent.repos.points import commit_header, points
from codex_agent.repos.scene import Commit3D, Scene, clean, labels, moment
from codex_agent.repos.search import search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_agent.repos.cancel import Cancel
    from codex_agent.repos.history import History

FILES_MAX = 1000
LOOKUP_MAX = 1000


def add(router: APIRouter, repos: Repos) -> None:
    """Add the routes."""

    @router.get("/api/repos", response_model=Envelope[list[Repository]], responses=ERRORS)
    async def listed(request: Request) -> Response:
        """Return the repositories of the list, and how each stands."""
        found = await repos.desk.ask(request, lambda _: repos.shelf.all())
        return reply(found)

    @router.get("/api/commits", response_model=Envelope[list[Commit3D]], responses=TAGGED)
    async def commits(
        request: Request, repo: shapes.RepoId = None, limit: shapes.Limit = 1000
    ) -> Response:
        """Return the newest commits at once, also while the graph is still being read."""

        def question(book: Book, cancel: Cancel) -> tuple[Any, str | None]:
            history = book.history()
            if not history.store.count:
                scene = Scene(history)
                return [scene.commit(c) for c in first_screen(history, limit, cancel)], None
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)
            return book.steady(
                lambda history, scene: [
                    scene.commit(c) for c in pages(history, limit, None, scene.people).commits
                ]
            ), tag

        found, tag = await repos.ask(request, repo, question)
        return reply(found, tag)

    @router.get("/api/commits/paginated", response_model=shapes.Paged, responses=TAGGED)
    async def paginated(
        request: Request,
        repo: shapes.RepoId = None,
        page: Annotated[int, Query(ge=0)] = 0,
        limit: shapes.Limit = 100,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Response:
        """Return a page of commits, newest first, by its number or where another one has ended."""

        def question(book: Book, _cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)

            def made(history: History, scene: Scene) -> dict[str, Any]:
                skip = 0 if cursor is not None else page * bounded(limit)
                found = pages(history, limit, cursor, scene.people, skip=skip)
                rows = [scene.commit(commit) for commit in found.commits]
                return {"data": rows, "total": found.total, "next": found.next}

            return book.steady(made), tag

        found, tag = await repos.ask(request, repo, question)
        return reply(tag=tag, **found)

    @router.get("/api/commits/lookup", response_model=Envelope[list[Commit3D]], responses=TAGGED)
    async def lookup(
        request: Request,
        repo: shapes.RepoId = None,
        numbers: Annotated[str | None, Query(max_length=8000, pattern=r"^[0-9,]*$")] = None,
        shas: Annotated[str | None, Query(max_length=8000, pattern=r"^[0-9a-f,]*$")] = None,
    ) -> Response:
        """Return commits by number or by id, in the order asked; unknown ones are left out."""

        def question(book: Book, _cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)

            def made(history: History, scene: Scene) -> list[Commit3D]:
                return scene.commits(history, _numbers(history, numbers, shas))

            return book.steady(made), tag

        found, tag = await repos.ask(request, repo, question)
        return reply(found, tag)

    @router.get("/api/commits/{sha}", response_model=Envelope[shapes.CommitDetail],
                responses=TAGGED)  # fmt: skip
    async def detail(
        request: Request, sha: shapes.ShaInPath, repo: shapes.RepoId = None
    ) -> Response:
        """Return all that a commit says, and the files that it changed."""

        def question(book: Book, cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)
            return book.steady(lambda history, scene: _detail(history, scene, sha, cancel)), tag

        found, tag = await repos.ask(request, repo, question)
        return reply(found, tag)

    @router.get("/api/patch", response_model=Envelope[shapes.Patch], responses=TAGGED)
    async def patch(
        request: Request,
        new: shapes.Sha,
        repo: shapes.RepoId = None,
        old: shapes.MaybeSha = None,
        path: Annotated[str | None, Query(min_length=1, max_length=4096)] = None,
    ) -> Response:
        """Return the patch of a commit (a merge has none), or from one commit to another."""

        def question(book: Book, cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)
            history, scene = book.history(), book.scene()
            for sha in (new, old):
                if sha is not None:
                    number_of(history, scene, sha)
            wanted = path.encode() if path is not None else None
            found = questions.patch(history.cache, new, cancel, old=old, path=wanted)
            return shapes.Patch(text(found), len(found)), tag

        found, tag = await repos.ask(request, repo, question)
        return reply(found, tag)

    @router.get("/api/compare", response_model=Envelope[shapes.Comparison], responses=TAGGED)
    async def compare(
        request: Request,
        old: shapes.Sha,
        new: shapes.Sha,
        repo: shapes.RepoId = None,
        limit: shapes.Limit = 1000,
    ) -> Response:
        """Return what differs between two commits."""

        def question(book: Book, cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)
            history, scene = book.history(), book.scene()
            for sha in (old, new):
                number_of(history, scene, sha)
            found = questions.compare(history.cache, old, new, cancel)
            return shapes.Comparison(
                old=old, new=new, merge_base=points(history.cache).merge_base(old, new),
                files=changed(found[: bounded(limit)]), files_total=len(found),
                additions=sum(entry.added or 0 for entry in found),
                deletions=sum(entry.deleted or 0 for entry in found),
            ), tag  # fmt: skip

        found, tag = await repos.ask(request, repo, question)
        return reply(found, tag)

    @router.get("/api/search", response_model=shapes.Hits, responses=TAGGED)
    async def searched(
        request: Request,
        field: Literal["message", "author", "path", "content"],
        q: Annotated[str, Query(min_length=1, max_length=200)],
        repo: shapes.RepoId = None,
        limit: shapes.Limit = 100,
    ) -> Response:
        """Search all branches; content has 20 s, the others 10 s, and what they found is kept."""

        def question(book: Book, cancel: Cancel) -> tuple[Any, str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)
            found = search(book.history(), field, q, limit, cancel)

            def made(history: History, scene: Scene) -> list[Commit3D]:
                return scene.commits(history, numbers_of(history, found.commits))

            return {"data": book.steady(made), "cut": found.cut}, tag

        found, tag = await repos.ask(request, repo, question, slow=True)
        # What was cut short may be longer the next time.
        return reply(tag=None if found["cut"] else tag, **found)


def changed(rows: Sequence[questions.FileChange]) -> list[shapes.FileChange]:
    """Return files of a difference as they are told."""
    return [
        shapes.FileChange(
            status=row.status, path=text(row.path),
            old_path=text(row.old) if row.old is not None else None,
            additions=row.added, deletions=row.deleted, mode=f"{row.mode:06o}",
        )
        for row in rows
    ]  # fmt: skip


def numbers_of(history: History, shas: Sequence[str]) -> list[int]:
    """Return the numbers of commits that are in the store, in this order."""
    oids = [bytes.fromhex(sha) for sha in shas]
    known = history.store.numbers(oids)
    return [known[oid] for oid in oids if oid in known]


def _numbers(history: History, numbers: str | None, shas: str | None) -> list[int]:
    words = [word for word in (numbers or shas or "").split(",") if word]
    if not words or len(words) > LOOKUP_MAX or (numbers and shas):
        raise QuestionError(
            f"A lookup names 1 to {LOOKUP_MAX} commits, by numbers or by shas.", "numbers=1,2,3"
        )
    if numbers:
        return [int(word) for word in words if len(word) <= 10]
    digits = history.place.id_bytes * 2
    return numbers_of(history, [word for word in words if len(word) == digits])


def _detail(history: History, scene: Scene, sha: str, cancel: Cancel) -> shapes.CommitDetail:
    number = number_of(history, scene, sha)
    found = Reader(history, scene.people).commit(number)
    fields, body = commit_header(points(history.cache), sha)
    committer, _, rest = fields.get("committer", "").rpartition(" <")
    files = questions.files_of(history.cache, sha, cancel)
    refs = [name for name, ref in history.refs().table.items() if ref.commit == sha]
    return shapes.CommitDetail(
        **asdict(scene.commit(found)), body=body, authored_at=moment(found.authored),
        author_offset_minutes=found.zone_minutes, committer=clean(committer),
        committer_email=clean(rest.partition(">")[0]),
        refs=[name for name in labels(sorted(refs)) if name != "HEAD"],
        files=changed(files[:FILES_MAX]), files_total=len(files),
    )  # fmt: skip
