# SPDX-License-Identifier: Apache-2.0
"""A way to stop work from another thread: what waits for git is woken at once."""

from __future__ import annotations

import os
import threading
import weakref

from codex_agent.repos.errors import CancelledError


class Cancel:
    """Can be set once, from any thread; ``fileno`` is readable from then on."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._handle = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        weakref.finalize(self, os.close, self._handle)

    def fileno(self) -> int:
        """Return what ``select`` can wait for."""
        return self._handle

    def cancel(self) -> None:
        """Stop what works under this."""
        self._event.set()
        os.eventfd_write(self._handle, 1)

    @property
    def cancelled(self) -> bool:
        """Whether it was stopped."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise CancelledError once it was stopped."""
        if self._event.is_set():
            raise CancelledError("The work was cancelled.", "Ask again; what is known is kept.")
