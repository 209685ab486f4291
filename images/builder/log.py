# SPDX-License-Identifier: Apache-2.0
"""What a person sees of long work: one line a step with its time; everything else goes to a log file."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

START = time.monotonic()


def clock(seconds: float) -> str:
    """``75.2`` -> ``1:15``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def say(text: str) -> None:
    """One line for the person, with the time since the command began."""
    print(f"[{clock(time.monotonic() - START):>6}] {text}", flush=True)


def plain(text: str = "") -> None:
    """A line without the clock: results and instructions."""
    print(text, flush=True)


def _ticking(title: str, started: float, done: threading.Event) -> None:
    while not done.wait(1.0):
        print(f"\r[{clock(time.monotonic() - START):>6}] {title} … {clock(time.monotonic() - started)} ", end="")
        sys.stdout.flush()


@contextmanager
def step(title: str) -> Iterator[None]:
    """A piece of work with a beginning and an end; on a terminal its time runs while it works."""
    started = time.monotonic()
    done = threading.Event()
    live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    thread = threading.Thread(target=_ticking, args=(title, started, done), daemon=True)
    if live:
        thread.start()
    else:
        say(f"{title} …")
    try:
        yield
    except BaseException:
        _finish(live, done, thread, f"{title}: stopped after {clock(time.monotonic() - started)}")
        raise
    _finish(live, done, thread, f"{title}: done in {clock(time.monotonic() - started)}")


def _finish(live: bool, done: threading.Event, thread: threading.Thread, text: str) -> None:
    done.set()
    if live:
        thread.join()
        print("\r\x1b[K", end="")
    say(text)
