# SPDX-License-Identifier: Apache-2.0
"""The process that reads a history in the background: ``python -m codex_agent.repos.work``.

Its own one, so that what a large or hostile repository costs is not the service's memory and does
not hold up its answers. It is told what to do by one line of JSON, tells how far it is by lines of
JSON, and ends when whoever started it does (the pipe on standard input is closed then).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.repos.cancel import Cancel
from codex_agent.repos.errors import CancelledError, RepoError
from codex_agent.repos.history import History
from codex_agent.repos.limits import MIB

if TYPE_CHECKING:
    from codex_agent.repos.passes import Progress

#: Private memory of this process (RLIMIT_DATA); each git has bounds of its own.
DATA_MAX = 1536 * MIB
_TOLD_EVERY_S = 0.5


def _say(**what: object) -> None:
    line = json.dumps(what)
    print(line, flush=True)


def _until_closed(cancel: Cancel) -> None:
    """Stop when the other end of standard input is closed."""
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    cancel.cancel()


class Teller:
    """Tells how far a pass is, not more often than anybody can read it."""

    def __init__(self, which: str) -> None:
        self._which = which
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        """Tell it, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._last >= _TOLD_EVERY_S or progress.done >= progress.total:
            self._last = now
            _say(type="progress", which=self._which, **asdict(progress))


def read(history: History, until: str, cancel: Cancel) -> None:
    """Bring a history up to date: the graph, or all of it in the order in which it is needed."""
    updated = history.update(cancel)
    _say(type="graph", generation=updated.generation, renewed=updated.renewed)
    if until == "graph":
        return
    history.read_files(cancel=cancel, tell=Teller("files"))
    history.write_commit_graph(cancel)
    history.read_lines(workers=1, cancel=cancel, tell=Teller("lines"))


def main() -> int:
    """Do one piece of work; 0 where it was done, 1 where it was not and the last line says why."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard == resource.RLIM_INFINITY or hard > DATA_MAX:
        # Only the soft one: the bounds of git are above it, and nobody could raise the hard one.
        resource.setrlimit(resource.RLIMIT_DATA, (DATA_MAX, hard))
    with suppress(OSError):
        # Where a sandbox forbids it, the weight of the unit counts.
        os.nice(10)
    wanted = json.loads(sys.stdin.buffer.readline())
    cancel = Cancel()
    threading.Thread(target=_until_closed, args=(cancel,), daemon=True).start()
    try:
        history = History(
            Path(wanted["path"]), [Path(root) for root in wanted["roots"]], Path(wanted["folder"])
        )
        try:
            read(history, str(wanted["until"]), cancel)
        finally:
            history.close()
    except CancelledError:
        return 1
    except RepoError as error:
        _say(type="error", kind=type(error).__name__, message=error.message, hint=error.hint)
        return 1
    except MemoryError:
        text = f"Reading needs more than {DATA_MAX // MIB} MiB of memory."
        _say(type="error", kind="TooMuchError", message=text, hint="It goes on where it stopped.")
        return 1
    _say(type="done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
