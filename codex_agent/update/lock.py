# SPDX-License-Identifier: Apache-2.0
"""One update at a time. The lock is the kernel's: it ends with its holders, however they end."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = ".lock"


@contextmanager
def taken(folder: Path, patience_s: float = 2.0) -> Iterator[int]:
    """Hold the lock, or refuse after ``patience_s``; gives the handle that keeps it.

    Whoever only looks (``held``), or settles a start, has it for a moment. An update has it longer.
    Programs that are started get this handle too: one that outlives us still keeps others out.
    """
    path = folder / NAME
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, 0o600)
    except OSError as error:
        why = (error.strerror or "unknown error").lower()
        raise UpdateError(
            Exit.FAILED, f"{path} cannot be opened: {why}.", f"ls -l {path}"
        ) from None
    try:
        deadline = time.monotonic() + patience_s
        while not _locked(handle):
            if time.monotonic() >= deadline:
                text = "Another update is under way on this host."
                hint = "codex update status shows how far it is; lslocks shows who has the lock."
                raise UpdateError(Exit.BUSY, text, hint)
            time.sleep(0.05)
        yield handle
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def held(folder: Path) -> bool:
    """Say whether an update is under way."""
    try:
        handle = os.open(folder / NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)
