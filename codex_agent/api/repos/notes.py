# SPDX-License-Identifier: Apache-2.0
"""Routes of what people leave behind: comments on commits, and views that they share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from codex_agent.api.envelope import ApiError, Envelope
from codex_agent.api.repos import shapes
from codex_agent.api.repos.common import ERRORS, Repos, number_of, read, reply
from codex_agent.repos.notes import Comment

if TYPE_CHECKING:
    from codex_agent.api.auth import Guard
    from codex_agent.repos.book import Book
    from codex_agent.repos.cancel import Cancel

#: Who asks with the token itself.
OPERATOR = "operator"
_Text = Annotated[str, Field(max_length=320)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Point = Annotated[list[_Number], Field(min_length=3, max_length=3)]
_WRITE_ERRORS: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    400: {"model": Envelope[None], "description": "The body is not valid JSON."},
    403: {"model": Envelope[None], "description": "It is not yours, or another origin asks."},
    413: {"model": Envelope[None], "description": "The body is longer than 64 KiB."},
}


class CommentRequest(BaseModel):
    """What is said; ``author`` is who is signed in, or absent."""

    model_config = ConfigDict(extra="forbid")

    author: str | None = Field(default=None, max_length=64)
    content: str = Field(min_length=1, max_length=10_000)


class ViewFilters(BaseModel):
    """What a view shows of a repository."""

    model_config = ConfigDict(extra="forbid")

    authors: list[_Text] = Field(default=[], max_length=200)
    branches: list[_Text] = Field(default=[], max_length=200)
    date_from: datetime | None = None
    date_to: datetime | None = None


class ViewRequest(BaseModel):
    """A view to share."""

    model_config = ConfigDict(extra="forbid")

    repo: str = Field(pattern="^[0-9a-f]{16}$")
    view_mode: Literal["commits", "heatmap", "branches", "all"]
    filters: ViewFilters
    camera_position: _Point
    camera_target: _Point | None = None
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class SharedView:
    """A view by its unguessable id."""

    id: str
    created_by: str
    repo: str
    view_mode: Literal["commits", "heatmap", "branches", "all"]
    filters: ViewFilters
    camera_position: list[float]
    camera_target: list[float] | None
    moment: datetime | None
    created_at: str


def add(router: APIRouter, repos: Repos, guard: Guard) -> None:
    """Add the routes."""

    @router.get("/api/comments/{commit_sha}", response_model=Envelope[list[Comment]],
                responses=ERRORS)  # fmt: skip
    async def comments(
        request: Request, commit_sha: shapes.ShaInPath, repo: shapes.RepoId = None
    ) -> Response:
        """Return what was said about a commit, the oldest first."""

        def question(book: Book, _cancel: Cancel) -> list[Comment]:
            return repos.notes().comments(book.entry.id, commit_sha)

        return reply(await repos.ask(request, repo, question))

    @router.post("/api/comments/{commit_sha}", status_code=201, response_model=Envelope[Comment],
                 responses=_WRITE_ERRORS)  # fmt: skip
    async def comment(
        request: Request, commit_sha: shapes.ShaInPath, wanted: CommentRequest,
        repo: shapes.RepoId = None,
    ) -> Response:  # fmt: skip
        """Say something about a commit, as who is signed in."""
        author = guard.name_of(request) or OPERATOR
        if wanted.author not in (None, author):
            text = f"The author of a comment is who is signed in: {author}."
            raise ApiError(403, "not_you", text, "Leave author out, or sign in under that name.")

        def question(book: Book, _cancel: Cancel) -> Comment:
            read(book)
            number_of(book.history(), book.scene(), commit_sha)
            return repos.notes().comment(book.entry.id, commit_sha, author, wanted.content)

        return reply(await repos.ask(request, repo, question), status=201)

    @router.delete("/api/comments/{commit_sha}/{comment_id}", status_code=204,
                   responses=_WRITE_ERRORS)  # fmt: skip
    async def remove(
        request: Request,
        commit_sha: shapes.ShaInPath,
        comment_id: Annotated[str, Path(max_length=64)],
        repo: shapes.RepoId = None,
    ) -> Response:
        """Delete a comment of one's own; with the token itself that of anybody."""
        name = guard.name_of(request)

        def question(book: Book, _cancel: Cancel) -> None:
            repos.notes().remove(
                book.entry.id, commit_sha, comment_id, name or OPERATOR, any_author=name is None
            )

        await repos.ask(request, repo, question)
        return Response(status_code=204)

    @router.post("/api/views/share", status_code=201, response_model=Envelope[SharedView],
                 responses=_WRITE_ERRORS)  # fmt: skip
    async def share(request: Request, wanted: ViewRequest) -> Response:
        """Keep a view under an id that cannot be guessed."""
        kept = {**wanted.model_dump(mode="json"), "created_by": guard.name_of(request) or OPERATOR}

        def question(_book: Book, _cancel: Cancel) -> tuple[str, str]:
            return repos.notes().share(kept)

        id_, created = await repos.ask(request, wanted.repo, question)
        return reply({"id": id_, **kept, "created_at": created}, status=201)

    @router.get("/api/views/{view_id}", response_model=Envelope[SharedView], responses=ERRORS)
    async def view(request: Request, view_id: Annotated[str, Path(max_length=64)]) -> Response:
        """Return a view by its id."""
        kept, created = await repos.desk.ask(request, lambda _: repos.notes().view(view_id))
        # A repository that was taken off the list is not told of any more.
        await repos.desk.ask(request, lambda _: repos.shelf.book(kept["repo"]))
        return reply({"id": view_id, **kept, "created_at": created})
