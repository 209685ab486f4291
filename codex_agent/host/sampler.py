# SPDX-License-Identifier: Apache-2.0
"""One sampler for all readers: a snapshot is taken when somebody asks and shared by all who do."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.host.snapshot import Sample

TIMEOUT_S = 20.0


class Sampler:
    """Takes snapshots in a thread, one at a time, and only on demand.

    A device that hangs can hold the thread for ever: callers then get an error after ``timeout_s``,
    no second thread is started, and the process can still end.
    """

    def __init__(
        self,
        take: Callable[[], Sample],
        monotonic: Callable[[], float],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._take = take
        self._monotonic = monotonic
        self._timeout_s = timeout_s
        self._last: Sample | None = None
        self._running: asyncio.Future[Sample] | None = None

    async def get(self, max_age_s: float) -> Sample:
        """Return a snapshot at most ``max_age_s`` old, or raise ``Unreadable``."""
        if self._last is not None and self._monotonic() - self._last.taken <= max_age_s:
            return self._last
        if self._running is None:
            self._running = self._start()
        try:
            return await asyncio.wait_for(asyncio.shield(self._running), self._timeout_s)
        except TimeoutError:
            text = f"reading the host takes longer than {self._timeout_s:.0f} s, a device may hang"
            raise Unreadable(text) from None

    def _start(self) -> asyncio.Future[Sample]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sample] = loop.create_future()
        # Without a waiter left, a failure must not be reported as forgotten.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())

        def deliver(sample: Sample | None, error: BaseException | None) -> None:
            self._running = None
            if sample is not None:
                self._last = sample
            if future.done():
                return
            if sample is not None:
                future.set_result(sample)
            else:
                future.set_exception(error or RuntimeError("no snapshot"))

        def work() -> None:
            sample, failure = None, None
            try:
                sample = self._take()
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                failure = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(deliver, sample, failure)

        # A daemon: a thread that hangs in the kernel must not keep the process from ending.
        threading.Thread(target=work, name="sampler", daemon=True).start()
        return future
