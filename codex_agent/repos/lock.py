# SPDX-License-Identifier: Apache-2.0
"""One process at a time reads a history into its store; the kernel's lock ends with its holder."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from codex_agent.repos.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from codex_agent.repos.cancel import Cancel

_PAUSE_S = 0.02


@contextmanager
def taken(path: Path, patience_s: float, cancel: Cancel | None = None) -> Iterator[None]:
    """Hold the lock; BusyError where another holds it for longer than ``patience_s``."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise BusyError(
                        f"Another process is reading into {path.parent}.",
                        f"lslocks | grep {path.name}",
                    ) from None
            if cancel is not None:
                cancel.check()
            time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(handle)
