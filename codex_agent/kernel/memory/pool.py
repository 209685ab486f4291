# SPDX-License-Identifier: Apache-2.0
"""Where programs get memory that devices share: ai_mem, or memfds where it is not there."""

from __future__ import annotations

import errno
import operator
import weakref
from contextlib import ExitStack
from typing import TYPE_CHECKING, Literal

from codex_agent.kernel.errors import Refused, Unavailable
from codex_agent.kernel.memory import native
from codex_agent.kernel.memory.ai_mem import AiMem
from codex_agent.kernel.memory.backend import PoolStat, Wanted
from codex_agent.kernel.memory.buffer import Buffer
from codex_agent.kernel.memory.memfd import Memfd

if TYPE_CHECKING:
    from codex_agent.kernel.memory.backend import Backend

_NODES = 1 << 31


class Pool:
    """An owner of memory: what it allocated ends with it.

    ``backend`` is ``ai_mem`` or ``memfd``; ``reason`` says why it is not ``ai_mem``.
    """

    def __init__(self, source: Backend, reason: str | None = None) -> None:
        """Allocate from ``source``; programs call ``open``."""
        self.reason = reason
        self._source = source
        self._buffers: weakref.WeakSet[Buffer] = weakref.WeakSet()
        self._open = True

    @classmethod
    def open(cls, backend: Literal["ai_mem", "memfd"] | None = None) -> Pool:
        """Open the module's pool, or where it cannot be had (``reason``) one of memfds.

        With ``backend``, only that one: ``Unavailable`` says why it cannot be had.
        """
        if backend not in (None, "ai_mem", "memfd"):
            raise Refused(f"open the backend {backend!r}", errno.EINVAL, "ai_mem or memfd")
        if backend == "memfd":
            return cls(Memfd(), "asked for")
        try:
            return cls(AiMem())
        except Unavailable as error:
            if backend is not None:
                raise
            return cls(Memfd(), error.reason)

    @property
    def backend(self) -> str:
        """Return where the memory comes from: ``ai_mem`` or ``memfd``."""
        return self._source.name

    def allocate(
        self,
        bytes: int,  # noqa: A002 - the unit is the name
        *,
        node: int | None = None,
        contiguous: bool = False,
        shared: bool = False,
        ring: bool = False,
    ) -> Buffer:
        """Return a buffer of at least so many bytes, in whole blocks, all zero.

        ``node``: a NUMA node, None for the nearest. ``contiguous``: physically. ``shared``: it
        outlives this process while a dma-buf of it is open. ``ring``: with a ring of free blocks.
        Raises ``Refused`` (EINVAL, ENOMEM, EDQUOT, EPERM) or ``Unavailable``; nothing is held then.
        """
        self._require()
        size = operator.index(bytes)
        if not 0 < size < 1 << 64:
            raise Refused(f"allocate {size} bytes", errno.EINVAL, "sizes begin at 1 byte")
        if node is not None and not 0 <= node < _NODES:
            raise Refused(f"allocate on NUMA node {node}", errno.EINVAL, "nodes begin at 0")
        if ring:
            native.library()
        allocation = self._source.allocate(Wanted(size, node, contiguous, shared, ring))
        try:
            buffer = Buffer(allocation)
        except BaseException:
            allocation.free()
            raise
        self._buffers.add(buffer)
        return buffer

    def stat(self) -> PoolStat:
        """Return what is taken and free now."""
        self._require()
        return self._source.stat()

    def close(self) -> None:
        """Free all buffers that are left, and end; once more does nothing."""
        if not self._open:
            return
        self._open = False
        with ExitStack() as stack:
            stack.callback(self._source.close)
            for buffer in self._buffers:
                stack.callback(buffer.free)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _require(self) -> None:
        if not self._open:
            raise Refused("use a pool that was closed", errno.EBADF)
