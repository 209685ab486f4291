# SPDX-License-Identifier: Apache-2.0
"""One update at a time. The lock is the kernel's: it ends with its holders, however they end."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = ".lock"


@contextmanager
def taken(folder: Path) -> Iterator[int]:
    """Hold the lock, or refuse at once; gives the handle that keeps it.

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
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = "Another update is under way on this host."
            hint = f"codex update status shows how far it is; fuser {path} shows who."
            raise UpdateError(Exit.BUSY, text, hint) from None
        yield handle
    finally:
        os.close(handle)


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
