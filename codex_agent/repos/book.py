# SPDX-License-Identifier: Apache-2.0
"""One repository that somebody asks for: open, kept in step with its refs, and read in full."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from codex_agent.errors import CodexError
from codex_agent.repos import passes
from codex_agent.repos.cancel import Cancel
from codex_agent.repos.errors import GoneError, NotAllowedError, RepoError
from codex_agent.repos.history import History
from codex_agent.repos.passes import Progress  # noqa: TC001 - the service describes its answers
from codex_agent.repos.scene import Scene, short
from codex_agent.repos.watch import LOOK_EVERY_S, Watch, watching
from codex_agent.repos.worker import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_agent.repos.allow import Entry
    from codex_agent.repos.worker import Worker, Workers

LOG = logging.getLogger("codex.repos")
T = TypeVar("T")
#: After this time without a question or a listener a history is closed.
IDLE_S = 600.0
#: Answers that are kept, each under a name of its own.
_KEPT_MAX = 32
_TRY_AGAIN_S = 900.0  # until a pass that gave up is tried again although nothing has changed
_AGAIN_S = (1.0, 2.0, 5.0, 15.0, 30.0)  # pauses after failures, the last one for ever


@dataclass(frozen=True, slots=True)
class Repository:
    """How a repository stands; what is not known yet is null. ``reason`` belongs to ``failed``."""

    id: str
    name: str
    state: Literal["new", "reading", "ready", "failed"]
    reason: str | None = None
    birth: str | None = None
    generation: int | None = None
    commits: int | None = None
    seq: int | None = None
    head: str | None = None
    head_sha: str | None = None
    kind: str | None = None
    object_format: str | None = None
    shallow: bool | None = None
    partial: bool | None = None
    files: Progress | None = None
    lines: Progress | None = None


class Book:
    """A history with the thread that follows it; ``listeners`` are called when it has changed."""

    def __init__(self, entry: Entry, roots: Sequence[Path], folder: Path, workers: Workers) -> None:
        self.entry = entry
        self.folder = folder
        self._roots, self._workers = tuple(roots), workers
        self._lock = threading.RLock()
        self._stop = Cancel()
        self._watch: Watch | None = None
        self._graph_read = threading.Event()
        self._scene: Scene | None = None
        self._inode = 0
        self._error: RepoError | None = None
        self._refused: CodexError | None = None
        self._listeners: set[Callable[[str], None]] = set()
        self._used = time.monotonic()
        self._history: History | None = None
        self._thread: threading.Thread | None = None
        self._kept: dict[str, tuple[str, Any]] = {}
        self._making: dict[str, threading.Lock] = {}
        self._placing = threading.Lock()
        self._tried: tuple[int, float] = (-1, 0.0)
        self._seen: tuple[str, int] | None = None

    # -- opening

    def history(self) -> History:
        """Return the open history; the first call opens it and begins to follow it.

        What is stored of a repository that is gone, or not allowed any more, is not shown.
        """
        if isinstance(self._error, (GoneError, NotAllowedError)):
            raise self._error
        self._used = time.monotonic()
        return self._open()

    def _open(self) -> History:
        with self._lock:
            if self._ended():
                raise GoneError(f"{self.entry.name} is not shown any more.", "codex repos list")
            if self._history is not None and self._inode != self._inode_now(self._history):
                # The process in the background began the store anew.
                self._history.close()
                self._history = self._scene = None
                self._graph_read.clear()
                if self._watch is not None:
                    self._watch.wake()
            if self._history is None:
                try:
                    self._history = History(Path(self.entry.path), self._roots, self.folder)
                except CodexError as error:
                    # Told by ``about`` until an opening succeeds; each question tries it again.
                    self._refused = error
                    raise
                self._refused = None
                self._inode = self._inode_now(self._history)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._follow, name=f"repo-{self.entry.id}", daemon=True
                )
                self._thread.start()
            return self._history

    def _ended(self) -> bool:
        return self._stop.cancelled

    def _rest(self) -> bool:
        """Close what nobody has asked for in a while; the next question opens it again."""
        with self._lock:
            if self._listeners or time.monotonic() - self._used <= IDLE_S:
                return False
            if self._history is not None:
                self._history.close()
            self._history = self._scene = self._thread = None
            self._kept.clear()
            return True

    @staticmethod
    def _inode_now(history: History) -> int:
        try:
            return history.store.path.stat().st_ino
        except OSError:
            return 0

    def scene(self) -> Scene:
        """Return where commits stand, as of the newest generation."""
        return self._scene_of(self.history())

    def _scene_of(self, history: History) -> Scene:
        store = history.store
        with self._placing:
            made = self._scene
            if made is None or (made.birth, made.generation) != (store.birth, store.generation):
                made = self._scene = Scene(history)
            return made

    def steady(self, question: Callable[[History, Scene], T]) -> T:
        """Ask what is made of several readings, again where the history grew in between."""
        for _ in range(3):
            history, scene = self.history(), self.scene()
            try:
                return question(history, scene)
            except IndexError:
                if history.store.generation == scene.generation:
                    raise
        return question(self.history(), self.scene())

    def kept(self, name: str, key: str, make: Callable[[], T]) -> T:
        """Return what was made for the same key before, or make it; one answer a name is kept.

        Where many ask at once it is made once, and the others wait for it.
        """
        with self._lock:
            making = self._making.setdefault(name, threading.Lock())
        with making:
            with self._lock:
                found = self._kept.get(name)
            if found is not None and found[0] == key:
                made: T = found[1]
                return made
            made = make()
            with self._lock:
                if len(self._kept) >= _KEPT_MAX:
                    self._kept.clear()
                    self._making.clear()
                self._kept[name] = (key, made)
            return made

    # -- what it tells

    @property
    def error(self) -> RepoError | None:
        """Why it cannot be followed now, or None."""
        return self._error

    def tag(self, *, passes_too: bool = False) -> str:
        """Return what differs when the history does; with ``passes_too`` also when they advance."""
        store = self.history().store
        tag = f"{store.birth}-{store.generation}"
        if passes_too:
            done = [sum(count for _, count in store.spans(which)) for which in ("files", "lines")]
            tag += f"-{done[0]}-{done[1]}"
        return tag

    def about(self) -> Repository:
        """Say how it stands, without waiting for anything."""
        entry, history = self.entry, self._history
        error: CodexError | None = self._error or self._refused
        if history is None:
            if error is not None:
                return Repository(entry.id, entry.name, "failed", error.message)
            return Repository(entry.id, entry.name, "new")
        store, place = history.store, history.place
        read = store.fact("fingerprint") is not None
        state: Literal["reading", "ready", "failed"] = "ready" if read else "reading"
        marks_total = self._scene_of(history).total if read else None
        refs = history.refs()
        tip = refs.table.get("HEAD")
        return Repository(
            id=entry.id, name=entry.name, state="failed" if error is not None else state,
            reason=error.message if error is not None else None, birth=store.birth,
            generation=store.generation, commits=marks_total, seq=history.last_sequence(),
            head=short(refs.head) if refs.head is not None else None,
            head_sha=tip.commit if tip is not None else None, kind=place.kind,
            object_format=place.object_format, shallow=bool(place.shallow), partial=place.partial,
            files=passes.progress(store, "files"), lines=passes.progress(store, "lines"),
        )  # fmt: skip

    def wait_read(self, limit_s: float) -> bool:
        """Wait until the graph was read; False where that takes longer."""
        history = self.history()
        if history.store.fact("fingerprint") is not None:
            return True
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if self._graph_read.wait(min(0.1, limit_s)):
                return True
            if self._error is not None:
                raise self._error
        return False

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` from another thread with ``changes``, ``progress`` or ``error``."""
        with self._lock:
            self._listeners.add(listener)

    def leave(self, listener: Callable[[str], None]) -> None:
        """Call it no more."""
        with self._lock:
            self._used = time.monotonic()
            self._listeners.discard(listener)

    def _notify(self, what: str) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(what)

    # -- following

    def close(self) -> None:
        """Stop following and let go of the store."""
        self._stop.cancel()
        with self._lock:
            watch, thread = self._watch, self._thread
        if watch is not None:
            watch.wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join(10.0)
        with self._lock:
            if self._history is not None:
                self._history.close()
                self._history = None

    def _follow(self) -> None:
        failures = 0
        while not self._ended():
            try:
                place = self._open().place
                with watching(place) as watch:
                    self._watch = watch
                    while not self._ended() and self._open().place == place:
                        self._bring()
                        failures = 0
                        watch.wait(LOOK_EVERY_S)
                        if self._rest():
                            return
            except CodexError as error:
                if self._ended():
                    return
                known = (
                    error
                    if isinstance(error, RepoError)
                    else RepoError(error.message, error.hint or "")
                )
                LOG.warning("repository %s: %s", self.entry.id, known.message)
                self._fail(known)
                self._pause(_AGAIN_S[min(failures, len(_AGAIN_S) - 1)])
                failures += 1
            except Exception:
                if self._ended():
                    return
                LOG.exception("repository %s", self.entry.id)
                self._fail(RepoError("It cannot be followed.", "The journal says why."))
                self._pause(_AGAIN_S[-1])
            finally:
                self._watch = None

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._ended() and time.monotonic() < end:
            time.sleep(0.1)

    def _fail(self, error: RepoError) -> None:
        self._error = error
        self._notify("error")

    def _bring(self) -> None:
        """Bring the graph up to date here, the rest in the background."""
        history = self._open()
        if history.store.count == 0 and history.live_refs(self._stop).tips():
            # A whole history is read by a process of its own.
            self._graph_read.clear()
            self._ask(self._workers.graph, "graph")
            while not self._graph_read.wait(0.1):
                if self._ended():
                    return
                if self._error is not None:
                    raise self._error
            history = self._open()
        updated = history.update(self._stop)
        self._graph_read.set()
        cleared = self._error is not None
        self._error = None
        key = (history.store.birth, updated.generation)
        if cleared or self._seen != key:
            self._seen = key
            self._notify("changes")
        generation, when = self._tried
        due = generation != updated.generation or time.monotonic() - when > _TRY_AGAIN_S
        if due and (passes.missing(history.store, "lines") or self._no_index(history)):
            self._tried = updated.generation, time.monotonic()
            self._ask(self._workers.passes, "all")

    @staticmethod
    def _no_index(history: History) -> bool:
        return history.store.count > 0 and not (
            history.cache.has_commit_graph() or history.place.shallow
        )

    def _ask(self, worker: Worker, until: str) -> None:
        path = Path(self.entry.path)
        worker.ask(self.entry.id, path, self._roots, self.folder, until, self._said)

    def _said(self, line: dict[str, Any]) -> None:
        """Take up what the process in the background says; called in the worker's thread."""
        kind = line.get("type")
        if kind == "graph":
            self._graph_read.set()
        elif kind in ("progress", "done"):
            self._notify("progress")
        else:
            error = failure(line)
            LOG.warning("repository %s: %s", self.entry.id, error.message)
            if self._graph_read.is_set():
                self._notify("progress")
            else:
                self._fail(error)
