# SPDX-License-Identifier: Apache-2.0
"""A job in a device's queue."""

from __future__ import annotations

import ctypes
import errno
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.kernel.abi import ai_gpu as abi
from codex_agent.kernel.errors import Refused
from codex_agent.kernel.node import HINTS, answered

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.kernel.node import Calls

_FOREVER = 0xFFFFFFFF
_HINTS = HINTS | {
    errno.ETIME: "the job goes on, wait again",
    errno.ENOENT: "only the last 256 results of a file are kept",
}
_FAILED = {
    errno.ETIMEDOUT: "the device did not answer in time and was reset",
    errno.EIO: "the device has failed; Device.reset() may help",
    errno.ENODEV: "the device was removed",
    errno.ECANCELED: "the job was cancelled before it ran",
}


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a completed job left: the value of LAUNCH, and bytes that the kernel had to copy."""

    result: int
    bounced_bytes: int


class Job:
    """A job that was queued; ``fence`` is its number in its device's open file."""

    def __init__(
        self, node: Calls, what: str, fence: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Remember a job; ``what`` names it in messages."""
        self.what = what
        self.fence = fence
        self._node = node
        self._clock = clock
        self._result: JobResult | None = None

    def wait(self, timeout: float | None = None) -> JobResult:
        """Wait up to ``timeout`` seconds (None: without limit) and return what the job left.

        Raises ``Refused``: ETIME while the job still runs, else what became of it; ``Unavailable``
        when the device is gone. A result that was had once is had again.
        """
        if self._result is not None:
            return self._result
        if timeout is not None and not timeout >= 0:
            raise Refused(f"wait {timeout} s", errno.EINVAL, "a time-out is not negative")
        end = None if timeout is None else self._clock() + timeout
        while True:
            call = abi.Wait(size=ctypes.sizeof(abi.Wait), fence=self.fence)
            call.timeout_ms = _FOREVER if end is None else _milliseconds(end - self._clock())
            try:
                self._node.call(abi.Ioctl.WAIT, call)
            except InterruptedError:
                # The handler of the signal has run by now, and may have raised.
                continue
            except OSError as error:
                if error.errno == errno.ETIME and end is not None and self._clock() < end:
                    continue  # it was longer than one call can wait
                raise answered(f"wait for {self.what}", self._node.path, error, _HINTS) from None
            break
        if call.status < 0:
            raise Refused(self.what, -call.status, _FAILED.get(-call.status))
        self._result = JobResult(call.result, call.bounced_bytes)
        return self._result


def _milliseconds(seconds: float) -> int:
    """Return what is left to wait, rounded up so that no loop asks without waiting."""
    return int(min(max(-(-seconds * 1000 // 1), 0), _FOREVER - 1))
