# SPDX-License-Identifier: Apache-2.0
"""The route that streams commits as server-sent events, and goes on after a break."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import pydantic_core
from fastapi import APIRouter, Query, Request, Response

from codex_agent.api.envelope import ApiError
from codex_agent.api.repos import shapes
from codex_agent.api.repos.ask import answer_of
from codex_agent.api.repos.common import ERRORS, Repos, read
from codex_agent.api.repos.flow import Flowing
from codex_agent.errors import CodexError
from codex_agent.repos import cursors
from codex_agent.repos.cancel import Cancel
from codex_agent.repos.commits import pages
from codex_agent.repos.errors import QuestionError

if TYPE_CHECKING:
    from starlette.types import Send

    from codex_agent.repos.book import Book
    from codex_agent.repos.history import History
    from codex_agent.repos.scene import Scene

_ID = re.compile(r"(?P<cursor>end|[0-9a-f]{16}-[0-9]{1,10}-[0-9]{1,10})\.(?P<current>[0-9]{1,10})")
#: One event, as OpenAPI describes a stream of them; ``data`` is JSON as text.
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["chunk", "end", "error"]},
        "id": {"type": "string"},
        "data": {"type": "string"},
    },
    "required": ["event", "data"],
}
_ANSWER: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    200: {
        "content": {"text/event-stream": {"schema": _EVENT}},
        "description": "Events, as docs/api-repositories.md says.",
    },
    204: {"description": "Last-Event-ID is that of the end: there is nothing more."},
}


def add(router: APIRouter, repos: Repos) -> None:
    """Add the route."""

    @router.get("/api/commits/stream", response_class=Response, responses=_ANSWER)
    async def stream(
        request: Request,
        repo: shapes.RepoId = None,
        chunk_size: Annotated[int, Query(ge=1, description="Commits of one event.")] = 100,
    ) -> Response:
        """Stream all commits, newest first; Last-Event-ID goes on where another stream ended."""
        cursor, current = _resumed(request)

        def question(book: Book, _cancel: Cancel) -> Book:
            if cursor is not None:
                cursors.parse(cursor, book.history().id)
            return read(book)

        if cursor == "end":
            await repos.ask(request, repo, lambda book, _: book.history())
            return Response(status_code=204)
        book = await repos.ask(request, repo, question)
        return Events(request, repos, book, chunk_size, cursor, current)


def _resumed(request: Request) -> tuple[str | None, int]:
    """Return where to go on, and how many commits came before; ApiError for what is no id."""
    given = request.headers.get("last-event-id")
    if not given:
        return None, 0
    found = _ID.fullmatch(given)
    if found is None:
        error = QuestionError("Last-Event-ID is none of this stream.", "Begin without one.")
        raise answer_of(error)
    return found["cursor"], int(found["current"])


class Events(Flowing):
    """Pages of commits as events, each asked for when the one before was taken."""

    media_type = "text/event-stream"

    def __init__(
        self, request: Request, repos: Repos, book: Book, size: int, cursor: str | None,
        current: int,
    ) -> None:  # fmt: skip
        super().__init__(request, {"Cache-Control": "no-store"})
        self._repos, self._book = repos, book
        self._size, self._cursor, self._current = size, cursor, current

    async def flow(self, send: Send) -> None:
        """Send the events."""
        cursor, current = self._cursor, self._current
        while True:
            try:
                rows, total, cursor = await self._repos.desk.run(
                    Cancel(),
                    lambda at=cursor: self._page(at),  # type: ignore[misc]
                )
            except (CodexError, ApiError) as error:
                told = error if isinstance(error, ApiError) else answer_of(error)
                await send(_event("error", None, told.body, more=False))
                return
            current = min(current + len(rows), total)
            if rows:
                progress = {
                    "current": current, "total": total,
                    "percent": round(100 * current / total, 2) if total else 100.0,
                }  # fmt: skip
                name = f"{cursor or 'end'}.{current}"
                data = {"chunk": rows, "progress": progress}
                await send(_event("chunk", name, data, more=True))
            if cursor is None:
                await send(_event("end", f"end.{current}", {"total": total}, more=False))
                return

    def _page(self, cursor: str | None) -> tuple[list[Any], int, str | None]:
        def made(history: History, scene: Scene) -> tuple[list[Any], int, str | None]:
            found = pages(history, self._size, cursor, scene.people)
            return [scene.commit(commit) for commit in found.commits], found.total, found.next

        return self._book.steady(made)


def _event(name: str, id_: str | None, data: Any, *, more: bool) -> dict[str, Any]:
    head = f"event: {name}\n" + (f"id: {id_}\n" if id_ is not None else "")
    body = head.encode() + b"data: " + pydantic_core.to_json(data) + b"\n\n"
    return {"type": "http.response.body", "body": body, "more_body": more}
