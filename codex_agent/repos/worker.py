# SPDX-License-Identifier: Apache-2.0
"""Starts the process that reads histories in the background (``work.py``), one at a time."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import codex_agent
from codex_agent.repos import errors
from codex_agent.repos.errors import DamagedError, RepoError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Tell = Callable[[dict[str, Any]], None]

_END_S = 10.0
_LINE_MAX = 64 * 1024
_MODULE = "codex_agent.repos.work"


def _environment() -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "TZ") if key in os.environ}
    library = str(Path(codex_agent.__file__).resolve().parent.parent)
    return {**kept, "PYTHONPATH": library, "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Worker:
    """A thread with a queue; whoever waits for a repository that is in it waits for the same one.

    ``tell`` is called in this thread with every line of the process, and at last with ``done``,
    ``error`` or ``ended``.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._wanted: dict[str, tuple[dict[str, Any], Tell]] = {}
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False

    def ask(
        self, id_: str, path: Path, roots: Sequence[Path], folder: Path, until: str, tell: Tell
    ) -> None:
        """Have a history read (``until`` is ``graph`` or ``all``) after those asked for before."""
        what = {
            "path": str(path), "roots": [str(root) for root in roots], "folder": str(folder),
            "until": until,
        }  # fmt: skip
        with self._lock:
            if self._stopped:
                return
            if id_ not in self._wanted:
                self._queue.put(id_)
            self._wanted[id_] = (what, tell)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="repos-worker", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the process and the thread."""
        with self._lock:
            self._stopped = True
            self._wanted.clear()
            child, thread = self._child, self._thread
        self._queue.put(None)
        if child is not None and child.stdin is not None:
            with suppress(OSError):
                child.stdin.close()
        if thread is not None:
            thread.join(_END_S)

    def _run(self) -> None:
        while (id_ := self._queue.get()) is not None:
            with self._lock:
                entry = self._wanted.pop(id_, None)
            if entry is not None:
                self._work(*entry)

    def _work(self, what: dict[str, Any], tell: Tell) -> None:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, cwd="/",
            env=_environment(), start_new_session=True,
        )  # fmt: skip
        last: dict[str, Any] = {}
        try:
            with self._lock:
                self._child = child
                stopped = self._stopped
            if child.stdin is None or child.stdout is None:
                raise ValueError("the child has no pipes")
            with suppress(OSError):
                child.stdin.write(json.dumps(what).encode() + b"\n")
                child.stdin.flush()
                if stopped:
                    child.stdin.close()
            while line := child.stdout.readline(_LINE_MAX):
                with suppress(ValueError):
                    last = json.loads(line)
                    tell(last)
        finally:
            with self._lock:
                self._child = None
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            try:
                status = child.wait(_END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                status = child.wait()
        if last.get("type") not in ("done", "error") and not self._stopped:
            tell({"type": "ended", "status": status})


@dataclass(frozen=True, slots=True)
class Workers:
    """One for what somebody waits for, and one for what takes long."""

    graph: Worker
    passes: Worker


def failure(said: dict[str, Any]) -> RepoError:
    """Return what the process failed with as an error of this one."""
    if said.get("type") == "error":
        kind = getattr(errors, str(said.get("kind")), RepoError)
        if not (isinstance(kind, type) and issubclass(kind, RepoError)):
            kind = RepoError
        return kind(str(said.get("message")), str(said.get("hint")))
    text = f"The process that reads histories ended with status {said.get('status')}."
    return DamagedError(text, "The journal of codex-agent has its last words.")
