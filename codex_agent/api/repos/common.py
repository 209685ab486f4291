# SPDX-License-Identifier: Apache-2.0
"""What all routes about repositories share: the shelf, the threads, tags, and compact answers."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import pydantic_core
from starlette.responses import Response

import codex_agent
from codex_agent.api.envelope import Envelope, JsonResponse
from codex_agent.api.repos.ask import Desk, reading
from codex_agent.repos.blocks import NONE
from codex_agent.repos.errors import NotFoundError
from codex_agent.repos.notes import Notes
from codex_agent.repos.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from starlette.requests import Request

    from codex_agent.repos.allow import Entry
    from codex_agent.repos.book import Book
    from codex_agent.repos.cancel import Cancel
    from codex_agent.repos.history import History
    from codex_agent.repos.scene import Scene

T = TypeVar("T")
#: How long a question waits for a graph that is being read for the first time.
PATIENCE_S = 2.0
_CACHE = "private, no-cache"

DESCRIPTIONS = {
    401: "Token or session are missing or wrong.",
    403: "The repository lies, or borrows objects from, outside of the roots.",
    404: "No such repository, commit or file.",
    409: "A format that is not known, or objects that cannot be read.",
    410: "The repository was there, and is not any more.",
    421: "The Host header names another host.",
    422: "The question is not valid, or its answer is beyond the bounds.",
    429: "Too many wrong tokens; see Retry-After.",
    503: "The history is being read, or too many ask at once; see Retry-After.",
}
#: What every question about a repository may be answered with.
ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": Envelope[None], "description": text} for code, text in DESCRIPTIONS.items()
}
TAGGED: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    304: {"description": "What If-None-Match names is still true."},
}


class Repos:
    """What the routes work with: repositories, threads, and what people leave behind.

    ``listed`` tells the allow-list, ``cache`` is where histories are stored, ``state`` where notes
    are. Both are made when they are needed, so a service that shows nothing needs neither.
    """

    def __init__(
        self, listed: Callable[[], list[Entry]], roots: Sequence[Path], cache: Path, state: Path
    ) -> None:
        self.shelf = Shelf(listed, roots, cache)
        self.desk = Desk()
        self._state = state
        self._notes: Notes | None = None
        self._lock = threading.Lock()

    def notes(self) -> Notes:
        """Return what people left behind; CodexError where it cannot be kept."""
        with self._lock:
            if self._notes is None:
                self._notes = Notes(self._state)
            return self._notes

    def close(self) -> None:
        """Let go of everything; for the end of the service."""
        self.desk.close()
        self.shelf.close()
        with self._lock:
            if self._notes is not None:
                self._notes.close()

    async def ask(
        self,
        request: Request,
        repo: str | None,
        question: Callable[[Book, Cancel], T],
        *,
        slow: bool = False,
    ) -> T:
        """Ask about a repository in a thread; errors become answers."""
        return await self.desk.ask(
            request, lambda cancel: question(self.shelf.book(repo), cancel), slow=slow
        )


def read(book: Book) -> Book:
    """Return the book once its graph was read; 503 where that takes longer."""
    if not book.wait_read(PATIENCE_S):
        raise reading()
    return book


def tag_of(request: Request, *parts: str) -> str:
    """Return an entity tag: of the history, of the question, and of the version that answers."""
    whole = "\0".join((codex_agent.__version__, request.url.path, request.url.query, *parts))
    return f'"{hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:32]}"'


class NotModified(Exception):  # noqa: N818 - an answer, no failure
    """The client has it already."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag

    def response(self) -> Response:
        """Return the answer."""
        return Response(status_code=304, headers=cached(self.tag))


def cached(tag: str) -> dict[str, str]:
    """Return the headers of what a browser may keep, and has to ask about every time."""
    return {"ETag": tag, "Cache-Control": _CACHE, "Vary": "Accept-Encoding, Cookie, Authorization"}


def check_tag(request: Request, tag: str) -> None:
    """Raise ``NotModified`` where the client has this answer already."""
    known = request.headers.get("if-none-match", "")
    if tag in [word.strip().removeprefix("W/") for word in known.split(",")]:
        raise NotModified(tag)


def reply(data: Any, tag: str | None = None, status: int = 200, **beside: Any) -> Response:
    """Return data in the envelope, in as few bytes as JSON needs."""
    content = {"success": True, "data": data, "error": None, **beside}
    body = pydantic_core.to_json(content) + b"\n"
    return JsonResponse(body, status, cached(tag) if tag is not None else None)


def number_of(history: History, scene: Scene, sha: str) -> int:
    """Return the number of a commit that a ref reaches; NotFoundError for every other object.

    What was taken off all branches may be in the objects still, and is not shown.
    """
    if len(sha) == history.place.id_bytes * 2 and scene.marks is not None:
        oid = bytes.fromhex(sha)
        number = history.store.numbers([oid]).get(oid)
        branch = scene.marks.branch
        if number is not None and number < len(branch) and branch[number] != NONE:
            return number
    raise NotFoundError(f"There is no commit {sha} on any branch.", "Ask for one of /api/commits.")
