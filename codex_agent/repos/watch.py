# SPDX-License-Identifier: Apache-2.0
"""Tells when the refs of a repository change, a few hundredths of a second after git wrote them.

Only what holds refs is watched, never the objects. A notice is a reason to look, nothing more: what
has changed is found by comparing tables of refs, and a look now and then makes up for notices that
never came (network file systems, a watch that overflowed, a directory that was replaced).
"""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from codex_agent.repos.errors import GoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_agent.repos.place import Place

#: What comes within this time is one notice. The library wakes up every ``STEP_MS`` to look at
#: ``stop``, so a shorter step costs processor time on a host on which nothing happens.
GATHER_MS = 40
STEP_MS = 20
LOOK_EVERY_S = 30.0
_FILES = ("HEAD", "packed-refs")
_FOLDERS = ("refs", "reftable")


def holds_refs(place: Place, path: str) -> bool:
    """Say whether a file of a Git directory holds refs: no lock, no object, no index."""
    if path.endswith(".lock"):
        return False
    for base in (place.git_dir, place.common_dir):
        prefix = f"{base}/"
        if path.startswith(prefix):
            rest = path[len(prefix) :]
            first, _, below = rest.partition("/")
            if rest in _FILES or (first in _FOLDERS and below):
                return True
    return False


class Watch:
    """Two watches, since git replaces files: one on the Git directories, one on trees of refs."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._notices: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        flat = {path for path in (place.git_dir, place.common_dir) if path.is_dir()}
        deep = {place.common_dir / name for name in _FOLDERS}
        for paths, recursive in ((flat, False), ({p for p in deep if p.is_dir()}, True)):
            if not paths:
                raise GoneError(f"{place.git_dir} is not there any more.", "codex repos list")
            names = sorted(map(str, paths))
            try:
                # The watch stands when this returns: what is written from now on is noticed.
                notify = RustNotify(names, False, False, 300, recursive, False)
            except (FileNotFoundError, WatchfilesRustInternalError) as error:
                self.close()
                text = f"{place.git_dir} cannot be watched: {error}."
                raise GoneError(text, "sysctl fs.inotify.max_user_watches") from None
            thread = threading.Thread(
                target=self._follow, args=(notify,), name="refs-watch", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def _follow(self, notify: RustNotify) -> None:
        with notify:
            while not self._stop.is_set():
                try:
                    found = notify.watch(GATHER_MS, STEP_MS, 0, self._stop)
                except WatchfilesRustInternalError as error:
                    self._notices.put(str(error))
                    return
                if isinstance(found, set) and any(
                    holds_refs(self._place, path) for _, path in found
                ):
                    self._notices.put(None)

    def wait(self, limit_s: float = LOOK_EVERY_S) -> bool:
        """Wait until refs were written; False where that was not noticed within ``limit_s``.

        GoneError where the repository is not there any more.
        """
        try:
            said = self._notices.get(timeout=limit_s)
            while not self._notices.empty():
                said = said or self._notices.get_nowait()
        except queue.Empty:
            said, noticed = None, False
        else:
            noticed = True
        if said is not None or not Path(self._place.git_dir).is_dir():
            text = said or f"{self._place.git_dir} is not there any more"
            raise GoneError(f"The watch has ended: {text}.", "codex repos list")
        return noticed

    def wake(self) -> None:
        """Let ``wait`` return True, from any thread."""
        self._notices.put(None)

    def close(self) -> None:
        """End the threads; each looks at the event every ``STEP_MS``."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def watching(place: Place) -> Iterator[Watch]:
    """Watch a repository as long as the block lasts."""
    made = Watch(place)
    try:
        yield made
    finally:
        made.close()


def follow(
    place: Place, look: Callable[[], object], stop: threading.Event, every_s: float = LOOK_EVERY_S
) -> None:
    """Call ``look`` once the watch stands, and after every notice, until ``stop`` is set.

    ``look`` is ``History.update``: whoever follows its numbered changes then finds the new ones.
    """
    with watching(place) as watch:
        look()
        while not stop.is_set():
            watch.wait(every_s)
            if not stop.is_set():
                look()
