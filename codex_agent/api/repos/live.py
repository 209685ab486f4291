# SPDX-License-Identifier: Apache-2.0
"""What the WebSocket says of one repository: changes by number, read at the reader's own speed."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import pydantic_core

from codex_agent.api.envelope import ApiError
from codex_agent.api.repos.ask import answer_of
from codex_agent.api.repos.shapes import CHANGE_TYPES
from codex_agent.errors import CodexError
from codex_agent.repos.branches import BranchNode, nodes
from codex_agent.repos.cancel import Cancel
from codex_agent.repos.errors import QuestionError, RepoError
from codex_agent.repos.people import text
from codex_agent.repos.questions import files_of
from codex_agent.repos.scene import short

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from codex_agent.api.repos.common import Repos
    from codex_agent.repos.book import Book
    from codex_agent.repos.history import History
    from codex_agent.repos.scene import Scene

#: Changes that are read at a time, and files of a commit that are told.
_STEP = 200
FILES_TOLD = 100
#: Commits of one step whose files are told; who commits more at once looks at them anyway.
_WITH_FILES = 20
_REPO = re.compile(r"[0-9a-f]{16}")
_SINCE = re.compile(r"[0-9]{1,15}")


class Feed:
    """The changes of a repository for one WebSocket; ``wake`` is set when there may be some."""

    def __init__(self, repos: Repos, book: Book, since: int | None, wake: asyncio.Event) -> None:
        self._repos, self._book = repos, book
        self._since = since
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._cancel = Cancel()
        self._birth: str | None = None
        self._seq = 0
        self._later: list[str] = []
        self._due = {"changes"}
        book.listen(self._heard)

    def _heard(self, what: str) -> None:
        """Note what there is to tell; called from the threads of the book."""

        def note() -> None:
            self._due.add(what)
            self._wake.set()

        # The loop may have ended before the thread did.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(note)

    def close(self) -> None:
        """Listen no more, and stop what works for it."""
        self._book.leave(self._heard)
        self._cancel.cancel()

    async def newer(self) -> list[str]:
        """Return the messages that are due; an empty list when all is told."""
        if not self._due:
            return []
        due, self._due = self._due, set()
        try:
            found, more = await self._repos.desk.run(self._cancel, lambda: self._read(due))
        except (CodexError, ApiError) as error:
            told = error if isinstance(error, ApiError) else answer_of(error)
            if told.status == 503:
                # Too many ask; what is due stays due.
                self._due |= due
                self._loop.call_later(1.0, self._wake.set)
                return []
            body = {"type": "repo_error", "repo": self._book.entry.id, **told.body}
            return [pydantic_core.to_json(body).decode()]
        if more:
            self._due.add("changes")
            self._wake.set()
        return [pydantic_core.to_json(message).decode() for message in found]

    def _read(self, due: set[str]) -> tuple[list[dict[str, Any]], bool]:
        # Asked for anew: what was taken off the list meanwhile is not told of any more.
        book = self._repos.shelf.book(self._book.entry.id)
        history = book.history()
        if book.error is not None and "error" in due:
            raise book.error
        repo = book.entry.id
        if not book.wait_read(0.0):
            # Nothing can be told before the graph is there; the end of its reading wakes us up.
            return [{"type": "progress", "repo": repo, "data": book.about()}], False
        found: list[dict[str, Any]] = []
        if self._birth is None:
            found += self._greet(history)
        elif self._birth != history.store.birth:
            found.append(self._resync(history, "The store was begun anew."))
        try:
            rows = history.since(self._seq, _STEP)
        except QuestionError as error:
            return [*found, self._resync(history, error.message)], False
        whole = len(rows) < _STEP
        # Commits first: what their files and branches are takes longer to find out.
        ahead = list(takewhile(lambda row: row[1]["type"] == "new_commit", rows))
        if ahead and not self._later:
            whole = whole and len(ahead) == len(rows)
            rows = ahead
        files, self._later = self._later, []
        for sha in files:
            found += self._files(history, sha)
        if rows:
            found += book.steady(lambda h, s: self._told(h, s, rows))
            self._seq = rows[-1][0]
        if "progress" in due:
            found.append({"type": "progress", "repo": repo, "data": book.about()})
        return found, not whole or bool(self._later)

    def _greet(self, history: History) -> list[dict[str, Any]]:
        self._birth = history.store.birth
        self._seq = history.last_sequence()
        repo = self._book.entry.id
        late: list[dict[str, Any]] = []
        if self._since is not None:
            try:
                history.since(self._since, 1)
                self._seq = self._since
            except QuestionError as error:
                late.append(self._resync(history, error.message))
        about = self._book.about()
        return [{"type": "repo", "repo": repo, "seq": self._seq, "data": about}, *late]

    def _resync(self, history: History, reason: str) -> dict[str, Any]:
        self._birth = history.store.birth
        self._seq = history.last_sequence()
        repo = self._book.entry.id
        return {"type": "resync", "repo": repo, "seq": self._seq, "reason": reason}

    def _told(
        self, history: History, scene: Scene, rows: list[tuple[int, dict[str, Any]]]
    ) -> list[dict[str, Any]]:
        repo = self._book.entry.id
        self._later = []
        found: list[dict[str, Any]] = []
        with_files = sum(change["type"] == "new_commit" for _, change in rows) <= _WITH_FILES
        branches: dict[str, BranchNode] | None = None
        for seq, change in rows:
            kind, common = change["type"], {"repo": repo, "seq": seq}
            if kind == "new_commit":
                commits = scene.commits(history, [change["number"]])
                if not commits:
                    # It was cut off again meanwhile.
                    continue
                found.append({"type": kind, **common, "generation": scene.generation,
                              "commit": commits[0]})  # fmt: skip
                if with_files:
                    self._later.append(commits[0].sha)
            elif kind == "reloaded":
                found.append({"type": kind, **common, "first": change["first"],
                              "count": change["count"]})  # fmt: skip
            elif kind == "head":
                name = short(change["name"]) if change["name"] is not None else None
                found.append({"type": kind, **common, "branch_name": name})
            elif change["name"] == "HEAD":
                continue
            elif kind == "ref_deleted":
                found.append({"type": "branch_deleted", **common,
                              "branch_name": short(change["name"])})  # fmt: skip
            else:
                if branches is None:
                    key = self._book.tag()
                    listed = self._book.kept("branches", key, lambda: nodes(history, scene))
                    branches = {node.name: node for node in listed}
                name = short(change["name"])
                node = branches.get(name)
                shown = {"type": f"branch_{kind.removeprefix('ref_')}", **common, "name": name,
                         "branch": _brief(node) if node is not None else None}  # fmt: skip
                found.append(shown)
        return found

    def _files(self, history: History, sha: str) -> list[dict[str, Any]]:
        try:
            # All who listen want the same.
            rows = self._book.kept(f"files {sha}", sha, lambda: files_of(history.cache, sha))
        except RepoError:
            # A commit whose files cannot be read is still a new commit.
            return []
        return [
            {"type": "file_changed", "repo": self._book.entry.id, "path": text(row.path),
             "change_type": CHANGE_TYPES.get(row.status, "modified"), "sha": sha}
            for row in rows[:FILES_TOLD]
        ]  # fmt: skip


def _brief(node: BranchNode) -> dict[str, Any]:
    whole = {name: getattr(node, name) for name in BranchNode.__slots__}
    return {**whole, "connections": []}


def wanted(connection: HTTPConnection) -> tuple[str | None, int | None]:
    """Return which repository a WebSocket asks for, and after which change; ApiError (422)."""
    repo, since = connection.query_params.get("repo"), connection.query_params.get("since")
    if repo is not None and not _REPO.fullmatch(repo):
        raise ApiError(422, "invalid", "repo is not the id of a repository.", "See /api/repos.")
    if since is not None and (repo is None or not _SINCE.fullmatch(since)):
        raise ApiError(422, "invalid", "since is not the number of a change.", "Leave it out.")
    return repo, int(since) if since is not None else None


async def follow(repos: Repos, connection: HTTPConnection, wake: asyncio.Event) -> Feed | None:
    """Return the feed that a WebSocket asks for, None where it asks for none."""
    repo, since = wanted(connection)
    if repo is None:
        return None
    try:
        book = await repos.desk.run(Cancel(), lambda: repos.shelf.book(repo))
    except CodexError as error:
        raise answer_of(error) from error
    return Feed(repos, book, since, wake)
