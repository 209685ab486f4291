# SPDX-License-Identifier: Apache-2.0
"""Routes of the whole history: branches as nodes, and the two streams of columns."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from codex_agent.api.envelope import Envelope
from codex_agent.api.repos import shapes
from codex_agent.api.repos.common import TAGGED, Repos, cached, check_tag, read, reply, tag_of
from codex_agent.api.repos.flow import Flowing
from codex_agent.repos import commits, filestream
from codex_agent.repos.branches import BranchNode, nodes
from codex_agent.repos.cancel import Cancel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Send

    from codex_agent.api.repos.ask import Desk
    from codex_agent.repos.book import Book

COLUMNS = "application/vnd.codex.columns"
_LEVEL = 5
_COLUMNS_ANSWER = {
    **TAGGED,
    200: {
        "content": {COLUMNS: {"schema": {"type": "string", "format": "binary"}}},
        "description": "Runs of columns, as docs/api-repositories.md says.",
    },
}


def add(router: APIRouter, repos: Repos) -> None:
    """Add the routes."""

    @router.get("/api/branches/graph", response_model=Envelope[list[BranchNode]], responses=TAGGED)
    async def branches(request: Request, repo: shapes.RepoId = None) -> Response:
        """Return every branch: where it began, and which merges brought it into others."""

        def question(book: Book, _cancel: Cancel) -> tuple[list[BranchNode], str]:
            read(book)
            key = book.tag()
            tag = tag_of(request, book.entry.id, key)
            check_tag(request, tag)
            return book.kept("branches", key, lambda: book.steady(nodes)), tag

        found, tag = await repos.ask(request, repo, question)
        return reply(found, tag)

    @router.get("/api/graph", response_class=Response, responses=_COLUMNS_ANSWER)
    async def graph(request: Request, repo: shapes.RepoId = None, ids: bool = False) -> Response:
        """Return every commit with its place in the graph, as columns, the newest first."""

        def question(book: Book, _cancel: Cancel) -> tuple[Iterator[bytes], str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag())
            check_tag(request, tag)
            history, scene = book.history(), book.scene()
            about = scene.about(book.entry.id)
            parts = commits.stream(history, scene.people, ids=ids, marks=scene.marks, more=about)
            return parts, tag

        parts, tag = await repos.ask(request, repo, question)
        return Columns(request, repos.desk, parts, tag)

    @router.get("/api/files/stream", response_class=Response, responses=_COLUMNS_ANSWER)
    async def files(request: Request, repo: shapes.RepoId = None) -> Response:
        """Return which files every commit changed, as columns, the newest first."""

        def question(book: Book, _cancel: Cancel) -> tuple[Iterator[bytes], str]:
            read(book)
            tag = tag_of(request, book.entry.id, book.tag(passes_too=True))
            check_tag(request, tag)
            history = book.history()
            about = {
                "repo": book.entry.id, "birth": history.store.birth,
                "generation": history.store.generation,
            }  # fmt: skip
            return filestream.stream(history, about), tag

        parts, tag = await repos.ask(request, repo, question)
        return Columns(request, repos.desk, parts, tag)


class Columns(Flowing):
    """A stream of runs of columns, gzipped for who accepts it."""

    media_type = COLUMNS

    def __init__(self, request: Request, desk: Desk, parts: Iterator[bytes], tag: str) -> None:
        super().__init__(request, cached(tag))
        self._desk, self._parts = desk, parts
        words = [
            word.partition(";") for word in request.headers.get("accept-encoding", "").split(",")
        ]
        self._gzip = any(
            name.strip() == "gzip" and not re.fullmatch(r"q=0(\.0*)?", more.replace(" ", ""))
            for name, _, more in words
        )
        if self._gzip:
            self.headers["content-encoding"] = "gzip"

    async def flow(self, send: Send) -> None:
        """Send the runs."""
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31) if self._gzip else None

        def following() -> bytes | None:
            part = next(self._parts, None)
            if packer is None or part is None:
                return part
            return packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)

        while (part := await self._desk.run(Cancel(), following)) is not None:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        last = packer.flush() if packer is not None else b""
        await send({"type": "http.response.body", "body": last, "more_body": False})
