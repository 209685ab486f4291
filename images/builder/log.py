# SPDX-License-Identifier: Apache-2.0
"""What a person sees of long work: one line a step with its time; the rest goes to a log file."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

START = time.monotonic()
# Clears the line that a running step keeps rewriting; empty while there is none.
_ERASE = "\r\x1b[K"
_erase = ""
_lock = threading.Lock()


def clock(seconds: float) -> str:
    """``75.2`` -> ``1:15``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def say(text: str) -> None:
    """One line for the person, with the time since the command began."""
    with _lock:
        print(f"{_erase}[{clock(time.monotonic() - START):>6}] {text}", flush=True)


def plain(text: str = "") -> None:
    """Print a line without the clock: results and instructions."""
    with _lock:
        print(f"{_erase}{text}", flush=True)


def _ticking(title: str, started: float, done: threading.Event) -> None:
    while not done.wait(1.0):
        now = time.monotonic()
        line = f"[{clock(now - START):>6}] {title} … {clock(now - started)} "
        # A line that wraps could not be rewritten.
        line = line[: shutil.get_terminal_size().columns - 1]
        with _lock:
            print(f"{_ERASE}{line}", end="", flush=True)


@contextmanager
def step(title: str, *, quiet: bool = True) -> Iterator[None]:
    """Show a piece of work with its beginning and end; on a terminal its time runs with it.

    ``quiet`` says that the work prints nothing itself: a running clock would fall into its lines.
    """
    global _erase
    started = time.monotonic()
    done = threading.Event()
    thread = threading.Thread(target=_ticking, args=(title, started, done), daemon=True)
    live = quiet and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if live:
        _erase = _ERASE
        thread.start()
    else:
        say(f"{title} …")
    ended = "stopped after"
    try:
        yield
        ended = "done in"
    finally:
        done.set()
        if live:
            thread.join()
        say(f"{title}: {ended} {clock(time.monotonic() - started)}")
        if live:
            _erase = ""
