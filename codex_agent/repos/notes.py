# SPDX-License-Identifier: Apache-2.0
"""What people say about commits, and the views that they share, kept apart from histories.

SQLite with every change on the disk before it is told (``synchronous=FULL``). Unlike the store of a
history this cannot be made again, so a damaged file is an error and never begun anew by itself.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from codex_agent.provision import files
from codex_agent.repos.errors import BusyError, NotFoundError, QuestionError, RepoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "notes.db"
SCHEMA = 1
#: Bounds, so that whoever has the token cannot fill the disk: comments of a commit, and in all.
PER_COMMIT, COMMENTS_MAX, VIEWS_MAX = 1000, 100_000, 10_000
_BUSY_S = 10.0
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE comments (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, repo TEXT NOT NULL,
    sha TEXT NOT NULL, author TEXT NOT NULL, content TEXT NOT NULL, created TEXT NOT NULL,
    updated TEXT NOT NULL);
CREATE INDEX comments_of ON comments (repo, sha);
CREATE TABLE views (id TEXT PRIMARY KEY, created TEXT NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said about a commit."""

    id: str
    commit_sha: str
    author: str
    content: str
    created_at: str
    updated_at: str


class NotYoursError(RepoError):
    """Somebody else wrote it."""

    status = 3


class Notes:
    """The file in ``folder``; safe to use from any thread."""

    def __init__(self, folder: Path) -> None:
        files.directory(folder, files.SECRET_DIRECTORY)
        self.path = folder / NAME
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(
                self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise self._failed(error) from None
        try:
            self.path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA trusted_schema=OFF")
            self._ensure()
        except BaseException as error:
            self._db.close()
            if isinstance(error, sqlite3.Error):
                raise self._failed(error) from None
            raise

    def _ensure(self) -> None:
        with self._writing():
            if not self._db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                for statement in _TABLES.split(";"):
                    if statement.strip():
                        self._db.execute(statement)
                self._db.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA),))
            found = self._db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        if found is None or found[0] != str(SCHEMA):
            text = f"{self.path} was written by another version."
            raise RepoError(text, f"Move {self.path} away, or go back to that version.")

    def _failed(self, error: sqlite3.Error) -> RepoError:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return BusyError(f"{self.path} is used by another process.", "Ask again.")
        text = f"{self.path} cannot be used: {error}."
        return RepoError(text, f"ls -l {self.path.parent}; a damaged file has to be moved away.")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _asked(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise self._failed(error) from None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    # -- comments

    def comments(self, repo: str, sha: str) -> list[Comment]:
        """Return what was said about a commit, the oldest first."""
        with self._asked() as db:
            rows = db.execute(
                "SELECT id, sha, author, content, created, updated FROM comments"
                " WHERE repo = ? AND sha = ? ORDER BY number",
                (repo, sha),
            ).fetchall()
        return [Comment(*row) for row in rows]

    def comment(self, repo: str, sha: str, author: str, content: str) -> Comment:
        """Keep a comment; QuestionError where there are too many."""
        now = _now()
        made = Comment(secrets.token_hex(8), sha, author, content, now, now)
        with self._asked() as db, self._writing():
            here = db.execute(
                "SELECT COUNT(*) FROM comments WHERE repo = ? AND sha = ?", (repo, sha)
            ).fetchone()[0]
            if here >= PER_COMMIT or _count(db, "comments") >= COMMENTS_MAX:
                raise QuestionError(
                    f"There are {PER_COMMIT} comments on this commit, or {COMMENTS_MAX} in all.",
                    "Delete some first.",
                )
            db.execute(
                "INSERT INTO comments (id, repo, sha, author, content, created, updated)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (made.id, repo, sha, author, content, now, now),
            )
        return made

    def remove(self, repo: str, sha: str, id_: str, author: str, *, any_author: bool) -> None:
        """Delete a comment; NotFoundError without it, NotYoursError where another wrote it."""
        with self._asked() as db, self._writing():
            found = db.execute(
                "SELECT author FROM comments WHERE repo = ? AND sha = ? AND id = ?",
                (repo, sha, id_),
            ).fetchone()
            if found is None:
                raise NotFoundError("There is no such comment.", "It may be deleted already.")
            if found[0] != author and not any_author:
                raise NotYoursError("Somebody else wrote this comment.", "Ask its author.")
            db.execute("DELETE FROM comments WHERE id = ?", (id_,))

    # -- views

    def share(self, view: dict[str, Any]) -> tuple[str, str]:
        """Keep a view; returns its id, which cannot be guessed, and when it was made."""
        id_, now = secrets.token_urlsafe(16), _now()
        with self._asked() as db, self._writing():
            if _count(db, "views") >= VIEWS_MAX:
                raise QuestionError(
                    f"There are {VIEWS_MAX} shared views already.", f"They are in {self.path}."
                )
            db.execute("INSERT INTO views VALUES (?, ?, ?)", (id_, now, json.dumps(view)))
        return id_, now

    def view(self, id_: str) -> tuple[dict[str, Any], str]:
        """Return a view and when it was made; NotFoundError without it."""
        with self._asked() as db:
            row = db.execute("SELECT data, created FROM views WHERE id = ?", (id_,)).fetchone()
        if row is None:
            raise NotFoundError("There is no such view.", "The link may be cut.")
        return json.loads(row[0]), row[1]


def _count(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608 - a name of ours


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
