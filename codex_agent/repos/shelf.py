# SPDX-License-Identifier: Apache-2.0
"""All repositories that may be asked for; each is opened when somebody does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from codex_agent.provision import files
from codex_agent.repos.book import Book, Repository
from codex_agent.repos.errors import QuestionError, UnknownRepositoryError
from codex_agent.repos.worker import Worker, Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from codex_agent.repos.allow import Entry


class Shelf:
    """``listed`` tells the allow-list as it is now; ``folder`` holds what was read of each."""

    def __init__(
        self, listed: Callable[[], list[Entry]], roots: Sequence[Path], folder: Path
    ) -> None:
        self._listed, self._roots, self._folder = listed, tuple(roots), folder
        self._books: dict[str, Book] = {}
        self._lock = threading.Lock()
        self._workers = Workers(Worker(), Worker())

    def all(self) -> list[Repository]:
        """Say how every repository of the list stands."""
        entries = self._listed()
        self._tidy(entries)
        with self._lock:
            books = dict(self._books)
        return [
            books[entry.id].about() if entry.id in books
            else Repository(entry.id, entry.name, "new")
            for entry in entries
        ]  # fmt: skip

    def book(self, id_: str | None) -> Book:
        """Return a repository by its id; without one the only one of the list.

        UnknownRepositoryError for what is not in the list, whatever was open before.
        """
        entries = self._listed()
        self._tidy(entries)
        if id_ is None:
            if len(entries) > 1:
                raise QuestionError(
                    "There are several repositories.", "Name one by repo=; /api/repos lists them."
                )
            entry = entries[0] if entries else None
        else:
            entry = next((entry for entry in entries if entry.id == id_), None)
        if entry is None:
            raise UnknownRepositoryError("There is no such repository.", "codex repos list")
        with self._lock:
            book = self._books.get(entry.id)
            if book is None or book.entry != entry:
                files.directory(self._folder, files.SECRET_DIRECTORY)
                book = Book(entry, self._roots, self._folder / entry.id, self._workers)
                self._books[entry.id] = book
            return book

    def _tidy(self, entries: list[Entry]) -> None:
        """Close what is not in the list any more."""
        with self._lock:
            gone = [id_ for id_, book in self._books.items() if book.entry not in entries]
            closing = [self._books.pop(id_) for id_ in gone]
        for book in closing:
            # Its thread may be inside of a git: nobody here waits for its end.
            threading.Thread(target=book.close, daemon=True).start()

    def close(self) -> None:
        """Let go of all of them."""
        with self._lock:
            closing = list(self._books.values())
            self._books.clear()
        for worker in (self._workers.graph, self._workers.passes):
            worker.stop()
        for book in closing:
            book.close()
