# SPDX-License-Identifier: Apache-2.0
"""The store of one history: SQLite with a write-ahead log, keyed by object ids.

All in it can be read again from the repository. So it is never repaired: a damaged one, one of
another schema or of another repository is begun anew, and ``Store.renewed`` says why.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

from codex_agent.repos.blocks import SIZE, Commits, Files
from codex_agent.repos.columns import numbers, unpack
from codex_agent.repos.errors import RepoError

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

SCHEMA = 1
NAME = "history.db"
BROKEN = "history.db.broken"
BUSY_S = 30.0
READERS = 4

Table = Literal["commits", "files", "lines"]

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE ids (oid BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE authors (id INTEGER PRIMARY KEY, name BLOB NOT NULL, email BLOB NOT NULL);
CREATE TABLE paths (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE commits (first INTEGER PRIMARY KEY, count INTEGER, crc INTEGER, data BLOB);
CREATE TABLE files (first INTEGER PRIMARY KEY, count INTEGER, crc INTEGER, data BLOB);
CREATE TABLE lines (first INTEGER PRIMARY KEY, count INTEGER, crc INTEGER, data BLOB);
CREATE TABLE skipped (number INTEGER, pass TEXT, reason TEXT, PRIMARY KEY (number, pass));
CREATE TABLE refs (name BLOB PRIMARY KEY, target TEXT, target_commit TEXT) WITHOUT ROWID;
CREATE TABLE marks (id INTEGER PRIMARY KEY CHECK (id = 1), crc INTEGER, names BLOB, branch BLOB);
CREATE TABLE changes (sequence INTEGER PRIMARY KEY AUTOINCREMENT, data TEXT NOT NULL);
"""


class DamagedStoreError(RepoError):
    """The store does not hold what was written; whoever opened it begins it anew."""


def _check(have: dict[str, str], source: str) -> None:
    """Refuse a store of another version or of another repository."""
    if have.get("schema") != str(SCHEMA):
        text = f"its schema was {have.get('schema')}, and this version has {SCHEMA}"
        raise DamagedStoreError(text, _RENEW)
    if have.get("source") != source:
        text = "it was made from another repository, or before its oldest commits were there"
        raise DamagedStoreError(text, _RENEW)


def _intact(crc: int, data: bytes) -> None:
    if zlib.crc32(data) != crc:
        raise ValueError("its checksum is another one")


class Store:
    """The store in this process: one thread writes at a time, and any number read."""

    def __init__(self, folder: Path, id_bytes: int, source: str) -> None:
        self.path = folder / NAME
        self.id_bytes = id_bytes
        self.renewed: str | None = None
        self._lock = threading.RLock()
        self._writer: int | None = None
        self._readers: list[sqlite3.Connection] = []
        self._idle = threading.Lock()
        self._age = 0
        self._source = source
        try:
            self.db = self._connect(source)
        except sqlite3.OperationalError as error:
            # The disk or another process; what is stored may be in order.
            raise RepoError(f"{self.path} cannot be opened: {error}.", f"ls -l {folder}") from None
        except (DamagedStoreError, sqlite3.DatabaseError) as error:
            self.db = self._begin_anew(str(error))

    def renew(self, reason: str) -> None:
        """Begin anew after something in it was found to be damaged; only under the lock."""
        with self._lock:
            self.close()
            self.db = self._begin_anew(reason)

    def _begin_anew(self, reason: str) -> sqlite3.Connection:
        self.renewed = reason.rstrip(".")
        self._set_aside()
        return self._connect(self._source)

    def _connect(self, source: str) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            self.path.chmod(0o600)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute("PRAGMA trusted_schema=OFF")
            db.execute("PRAGMA cell_size_check=ON")
            if not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                self._make(db, source)
            _check(dict(db.execute("SELECT key, value FROM meta").fetchall()), source)
        except BaseException:
            db.close()
            raise
        return db

    @staticmethod
    def _make(db: sqlite3.Connection, source: str) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have made it meanwhile.
            if not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                for statement in _TABLES.split(";"):
                    if statement.strip():
                        db.execute(statement)
                first = {"schema": str(SCHEMA), "source": source, "generation": "0", "count": "0"}
                first["birth"] = secrets.token_hex(8)
                db.executemany("INSERT INTO meta VALUES (?, ?)", first.items())
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _set_aside(self) -> None:
        """Keep one damaged store, with its log, for whoever wants to look at it."""
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.path.with_name(NAME + ending).replace(self.path.with_name(BROKEN + ending))

    def close(self) -> None:
        """Let go of the file; what is lent is closed when it comes back."""
        with self._lock, self._idle:
            self._age += 1
            for db in (self.db, *self._readers):
                db.close()
            self._readers.clear()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Change the store in one step: at any interruption all of it is there, or nothing."""
        with self._lock:
            self.db.execute("BEGIN IMMEDIATE")
            self._writer = threading.get_ident()
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self.db.execute("ROLLBACK")
                raise
            finally:
                self._writer = None

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees what is committed; whoever writes reads what it wrote.

        So nobody waits for a pass that takes minutes, and nobody sees half of it.
        """
        if self._writer == threading.get_ident():
            yield self.db
            return
        with self._idle:
            age = self._age
            db = self._readers.pop() if self._readers else None
        if db is None:
            db = sqlite3.connect(
                self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
        try:
            # Also for one that is lent again: asked here, a failure leaves nothing open.
            db.execute("PRAGMA query_only=ON")
            yield db
        finally:
            with self._idle:
                keep = age == self._age and len(self._readers) < READERS
                if keep:
                    self._readers.append(db)
            if not keep:
                db.close()

    def rows(self, statement: str, *values: object) -> list[Any]:
        """Return the rows of a question; DamagedStoreError where the file is damaged."""
        try:
            with self._reading() as db:
                return db.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            raise RepoError(f"{self.path} cannot be read: {error}.", "Ask again.") from None
        except sqlite3.DatabaseError as error:
            raise DamagedStoreError(f"{self.path} is damaged: {error}", _RENEW) from None

    # -- facts about the whole

    def fact(self, key: str) -> str | None:
        """Return a fact about the whole, or None."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", key)
        return found[0][0] if found else None

    def set_fact(self, key: str, value: str) -> None:
        """Note a fact; only inside of ``writing``."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    @property
    def generation(self) -> int:
        """A number that grows with every change of commits or refs."""
        return int(self.fact("generation") or 0)

    @property
    def birth(self) -> str:
        """What differs from one store to the next, also of the same repository."""
        return self.fact("birth") or ""

    @property
    def count(self) -> int:
        """How many commits there are, those that no ref reaches any more included."""
        return int(self.fact("count") or 0)

    # -- blocks

    def put(self, table: Table, block: Commits | Files) -> None:
        """Write a block; a short one before it is made longer. Only inside of ``writing``."""
        found = self.db.execute(
            f"SELECT first, count FROM {table} WHERE first < ? ORDER BY first DESC LIMIT 1",  # noqa: S608 - a name of ours
            (block.first,),
        ).fetchone()
        if found and sum(found) == block.first and found[1] + len(block) <= SIZE:
            before = self.block(table, found[0])
            before.add(block)
            block = before
        data = block.packed()
        self.db.execute(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)",  # noqa: S608 - a name of ours
            (block.first, len(block), zlib.crc32(data), data),
        )

    def spans(self, table: Table) -> list[tuple[int, int]]:
        """Return first and count of every block, in order."""
        return [tuple(row) for row in self.rows(f"SELECT first, count FROM {table} ORDER BY first")]  # noqa: S608 - a name of ours

    def block(self, table: Table, first: int) -> Any:
        """Return the block that begins at ``first``."""
        return self._read(
            table, first, lambda count, data: self._unpacked(table, first, count, data)
        )

    def parents(self, first: int) -> tuple[array[int], array[int]]:
        """Return ``start`` and ``parents`` of a block of commits, without the rest of it."""

        def read(count: int, data: bytes) -> tuple[array[int], array[int]]:
            got = unpack(data)
            start, parents = numbers("I", got["start"]), numbers("I", got["parents"])
            if len(start) != count + 1 or start[-1] != len(parents):
                raise ValueError("its columns have different lengths")
            return start, parents

        found: tuple[array[int], array[int]] = self._read("commits", first, read)
        return found

    def times(self, first: int) -> array[int]:
        """Return the committer times of a block of commits, without the rest of it."""

        def read(count: int, data: bytes) -> array[int]:
            got = numbers("q", unpack(data)["time"])
            if len(got) != count:
                raise ValueError("its columns have different lengths")
            return got

        found: array[int] = self._read("commits", first, read)
        return found

    def _read(self, table: Table, first: int, read: Callable[[int, bytes], Any]) -> Any:
        rows = self.rows(f"SELECT count, crc, data FROM {table} WHERE first = ?", first)  # noqa: S608 - a name of ours
        if not rows:
            raise DamagedStoreError(f"{self.path} has no block {first} of {table}.", _RENEW)
        count, crc, data = rows[0]
        try:
            _intact(crc, data)
            return read(count, data)
        except (ValueError, KeyError, TypeError) as error:
            text = f"Block {first} of {table} in {self.path} is damaged: {error}."
            raise DamagedStoreError(text, _RENEW) from None

    def _unpacked(self, table: Table, first: int, count: int, data: bytes) -> Commits | Files:
        if table == "commits":
            return Commits.unpacked(first, count, self.id_bytes, data)
        return Files.unpacked(first, count, data)

    def holding(self, table: Table, number: int) -> int | None:
        """Return which block holds a commit, or None."""
        rows = self.rows(
            f"SELECT first, count FROM {table} WHERE first <= ? ORDER BY first DESC LIMIT 1",  # noqa: S608 - a name of ours
            number,
        )
        return rows[0][0] if rows and number < sum(rows[0]) else None

    def each(self, table: Table) -> Iterator[Any]:
        """Yield every block, the newest commits first."""
        for first, _ in reversed(self.spans(table)):
            yield self.block(table, first)

    # -- ids and names

    def numbers(self, oids: Iterable[bytes]) -> dict[bytes, int]:
        """Return the numbers of those commits that are known."""
        found = {}
        with self._reading() as db:
            for oid in oids:
                row = db.execute("SELECT number FROM ids WHERE oid = ?", (oid,)).fetchone()
                if row:
                    found[oid] = row[0]
        return found

    def authors(self) -> list[tuple[bytes, bytes]]:
        """Return name and address of every author as they stand in commits; the place is the id."""
        return [(n, e) for n, e in self.rows("SELECT name, email FROM authors ORDER BY id")]

    def paths(self) -> list[bytes]:
        """Return every path that was ever changed; the place is the id."""
        return [row[0] for row in self.rows("SELECT path FROM paths ORDER BY id")]

    def skipped(self, which: str) -> dict[int, str]:
        """Return the commits that a pass could not read, with the reasons."""
        found = self.rows("SELECT number, reason FROM skipped WHERE pass = ?", which)
        return dict(found)

    def tell(self, change: dict[str, Any]) -> None:
        """Add to the list of changes that readers follow; only inside of ``writing``."""
        self.db.execute("INSERT INTO changes (data) VALUES (?)", (json.dumps(change),))


_RENEW = "It is read again from the repository; the damaged one is kept beside it."
