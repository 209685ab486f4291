# SPDX-License-Identifier: Apache-2.0
"""Repositories that are open: read by a process of its own, followed, and let go of."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.repos import book as book_module
from codex_agent.repos import worker as worker_module
from codex_agent.repos.allow import AllowList
from codex_agent.repos.commits import pages
from codex_agent.repos.errors import (
    DamagedError,
    QuestionError,
    TooMuchError,
    UnknownRepositoryError,
)
from codex_agent.repos.shelf import Shelf
from codex_agent.repos.store import NAME
from codex_agent.repos.worker import Worker, failure
from tests.unit.agent.repos.made import Repo, branched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_agent.repos.book import Book

WAIT_S = 60.0


@pytest.fixture
def allowed(tmp_path: Path, repo: Repo) -> AllowList:
    found = AllowList(tmp_path / "list", [tmp_path / "root"])
    found.add(repo.path)
    return found


@pytest.fixture
def shelf(tmp_path: Path, allowed: AllowList) -> Iterator[Shelf]:
    found = Shelf(allowed.entries, allowed.roots, tmp_path / "cache")
    yield found
    found.close()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def all_read(book: Book) -> bool:
    about = book.about()
    return (
        about.state == "ready" and about.lines is not None
        and about.lines.done == about.lines.total > 0
    )  # fmt: skip


def test_nothing_is_opened_that_nobody_asks_for(shelf: Shelf, tmp_path: Path) -> None:
    (listed,) = shelf.all()
    assert (listed.state, listed.commits, listed.generation) == ("new", None, None)
    assert not (tmp_path / "cache").exists()


def test_it_is_read_and_told(shelf: Shelf) -> None:
    book = shelf.book(None)
    heard: list[str] = []
    book.listen(heard.append)
    assert book.wait_read(WAIT_S)
    until(lambda: all_read(book))
    assert "changes" in heard
    assert "progress" in heard
    about = book.about()
    assert (about.commits, about.head, about.kind) == (8, "main", "worktree")
    assert about.head_sha == book.scene().commits(book.history(), [7])[0].sha


def test_an_empty_repository_is_ready(shelf: Shelf, allowed: AllowList, tmp_path: Path) -> None:
    empty = Repo(tmp_path / "root" / "empty")
    book = shelf.book(allowed.add(empty.path).id)
    assert book.wait_read(WAIT_S)
    about = book.about()
    assert (about.state, about.commits, about.head_sha) == ("ready", 0, None)
    sha = empty.commit("the first one")
    until(lambda: book.about().commits == 1)
    assert book.about().head_sha == sha


def test_what_is_not_in_the_list(shelf: Shelf, allowed: AllowList, tmp_path: Path) -> None:
    book = shelf.book(None)
    assert book.wait_read(WAIT_S)
    other = allowed.add(branched(tmp_path / "root" / "other").path)
    with pytest.raises(QuestionError):
        shelf.book(None)
    allowed.remove(other.id)
    allowed.remove(book.entry.id)
    for id_ in (None, book.entry.id, "x"):
        with pytest.raises(UnknownRepositoryError):
            shelf.book(id_)
    # Nothing of it is kept open.
    until(lambda: book._history is None)


def test_what_nobody_asks_for_is_closed_and_opened_again(
    shelf: Shelf, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_module, "LOOK_EVERY_S", 0.1)
    book = shelf.book(None)
    assert book.wait_read(WAIT_S)
    until(lambda: all_read(book))
    monkeypatch.setattr(book_module, "IDLE_S", 0.0)
    repo.commit("the next look")
    until(lambda: book._history is None)
    assert book._thread is None
    monkeypatch.setattr(book_module, "IDLE_S", 600.0)
    until(lambda: book.history().store.count == 9)


def test_a_store_that_another_process_began_anew(shelf: Shelf) -> None:
    book = shelf.book(None)
    assert book.wait_read(WAIT_S)
    until(lambda: all_read(book))
    birth = book.history().store.birth
    for ending in ("", "-wal", "-shm"):
        (book.folder / (NAME + ending)).unlink(missing_ok=True)
    until(lambda: book.history().store.birth != birth)
    assert book.wait_read(WAIT_S)
    until(lambda: book.history().store.count == 8)


def test_numbers_are_steady_while_a_history_grows(shelf: Shelf, repo: Repo) -> None:
    """New authors arrive while pages are made: no answer is mixed from two generations."""
    book = shelf.book(None)
    assert book.wait_read(WAIT_S)
    stop = threading.Event()

    def grow() -> None:
        for number in range(15):
            repo.commit(f"more {number}", author=(f"New {number}", f"n{number}@x"))
        stop.set()

    worker = threading.Thread(target=grow)
    worker.start()
    while not stop.is_set():
        rows = book.steady(
            lambda history, scene: [
                scene.commit(c) for c in pages(history, 100, None, scene.people).commits
            ]
        )
        assert all(row.author for row in rows)
    worker.join()
    until(lambda: book.about().commits == 23)


def test_what_many_want_is_made_once(shelf: Shelf) -> None:
    book = shelf.book(None)
    made: list[int] = []

    def make() -> int:
        made.append(1)
        time.sleep(0.1)
        return len(made)

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(book.kept, "x", "key", make) for _ in range(8)]
        assert {future.result() for future in found} == {1}
    assert book.kept("x", "another key", make) == 2

    def fail() -> int:
        raise TooMuchError("m", "h")

    with pytest.raises(TooMuchError):
        book.kept("y", "key", fail)
    assert book.kept("y", "key", lambda: 5) == 5


class Said:
    """What a worker told."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.ended = threading.Event()

    def __call__(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        if line["type"] in ("done", "error", "ended"):
            self.ended.set()


def test_failures_of_the_process_are_told(tmp_path: Path) -> None:
    worker, said = Worker(), Said()
    worker.ask("x", tmp_path / "nothing", [tmp_path], tmp_path / "cache", "all", said)
    assert said.ended.wait(WAIT_S)
    worker.stop()
    error = failure(said.lines[-1])
    assert type(error).__name__ == "GoneError"
    assert "There is no directory" in error.message


def test_a_process_that_is_killed_is_told(
    tmp_path: Path, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_MODULE", "tests.unit.agent.repos.hanging")
    worker, said = Worker(), Said()
    worker.ask("x", repo.path, [tmp_path], tmp_path / "cache", "all", said)
    until(lambda: bool(said.lines))
    os.kill(said.lines[0]["pid"], signal.SIGKILL)
    assert said.ended.wait(WAIT_S)
    worker.stop()
    assert said.lines[-1] == {"type": "ended", "status": -signal.SIGKILL}
    assert isinstance(failure(said.lines[-1]), DamagedError)


def test_the_process_ends_with_the_service(
    tmp_path: Path, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_MODULE", "tests.unit.agent.repos.hanging")
    worker, said = Worker(), Said()
    worker.ask("x", repo.path, [tmp_path], tmp_path / "cache", "all", said)
    until(lambda: bool(said.lines))
    worker.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(said.lines[0]["pid"], 0)
    worker.ask("y", repo.path, [tmp_path], tmp_path / "cache", "all", said)
    assert len(said.lines) == 1


def test_the_real_process_ends_when_its_pipe_does(tmp_path: Path, repo: Repo) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(book_module.__file__).parents[2])}
    child = subprocess.Popen(
        [sys.executable, "-m", "codex_agent.repos.work"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    wanted = {"path": str(repo.path), "roots": [str(tmp_path)], "folder": str(tmp_path / "c"),
              "until": "all"}  # fmt: skip
    said, _ = child.communicate(json.dumps(wanted).encode() + b"\n", WAIT_S)
    kinds = [json.loads(line)["type"] for line in said.splitlines()]
    # Closed at once: it may have ended before it was stopped, but not after a failure.
    assert "error" not in kinds
    assert child.returncode in (0, 1)


def test_kinds_of_failures() -> None:
    said = {"type": "error", "kind": "TooMuchError", "message": "m", "hint": "h"}
    assert isinstance(failure(said), TooMuchError)
    assert type(failure({**said, "kind": "annotations"})).__name__ == "RepoError"
