# SPDX-License-Identifier: Apache-2.0
"""Memory of the pool in the hands of a program."""

from __future__ import annotations

import errno
import os
import weakref
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from codex_agent.kernel.abi.ai_mem import BLOCK_BYTES
from codex_agent.kernel.errors import Refused, Unavailable
from codex_agent.kernel.memory.dmabuf import DmaBuf
from codex_agent.kernel.memory.ring import BlockRing

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    from codex_agent.kernel.memory.backend import Allocation, Pinned


class Buffer:
    """An allocation, mapped into this process.

    It goes back to the pool by ``free``, at the end of a ``with`` block, or when nobody refers to
    it any more. A child of ``fork`` shares the memory; that it forgets the buffer frees nothing.
    """

    def __init__(self, allocation: Allocation) -> None:
        """Take over an allocation; raises ``Refused`` when its ring is corrupt."""
        self.bytes = allocation.bytes
        self._allocation = allocation
        self._view = memoryview(allocation.data)
        self._exports: weakref.WeakSet[DmaBuf] = weakref.WeakSet()
        self._ring = None if allocation.ring is None else BlockRing(allocation.ring)
        self._end = weakref.finalize(
            self, _end, allocation, self._view, allocation.data, os.getpid()
        )

    @property
    def view(self) -> memoryview:
        """Return all of the memory, in bytes, writable."""
        self._require()
        return self._view

    @property
    def pinned(self) -> Pinned:
        """Say whether the pages stay where they are, and if not, why."""
        return self._allocation.pinned

    @property
    def freed(self) -> bool:
        """Say whether the buffer was given back."""
        return not self._end.alive

    @property
    def ring(self) -> BlockRing:
        """Return the free blocks of a buffer that was allocated with a ring."""
        self._require()
        if self._ring is None:
            raise Refused("take blocks of a buffer without a ring", errno.EINVAL, "ring=True")
        return self._ring

    def block(self, number: int) -> memoryview:
        """Return the memory of one block."""
        if not 0 <= number < self.bytes // BLOCK_BYTES:
            raise Refused(f"use block {number}", errno.EINVAL, "that is behind the buffer's end")
        return self.view[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]

    def export(self, *, read_only: bool = False) -> DmaBuf:
        """Return a dma-buf of all of the memory, for devices and other programs."""
        self._require()
        made = DmaBuf(self._allocation.export(read_only=read_only), self.bytes, read_only=read_only)
        self._exports.add(made)
        return made

    @contextmanager
    def sync(self, *, read: bool = True, write: bool = True) -> Iterator[None]:
        """Let the processor access the memory inside, in step with devices.

        It covers the dma-bufs that were exported and are still open; without one, no device has
        ever seen the memory and there is nothing to do.
        """
        self._require()
        with ExitStack() as stack:
            for made in [made for made in self._exports if not made.closed]:
                stack.enter_context(made.sync(read=read, write=write))
            yield

    def free(self) -> None:
        """Give the memory back; once more does nothing.

        Whoever still holds a slice of ``view`` or a dma-buf can use it until they let go: the
        memory reaches nobody else before.
        """
        if not self._end.alive:
            return
        if self._ring is not None:
            self._ring.close()
        self._end.detach()
        _free(self._allocation, self._view, self._allocation.data)

    def __enter__(self) -> Buffer:
        return self

    def __exit__(self, *_: object) -> None:
        self.free()

    def _require(self) -> None:
        if not self._end.alive:
            raise Refused("use a buffer that was freed", errno.EBADF)


def _free(allocation: Allocation, view: memoryview, data: mmap.mmap) -> None:
    try:
        allocation.free()
    finally:
        view.release()
        # Slices of the view hold the mapping; it ends with the last of them.
        with suppress(BufferError):
            data.close()


def _end(allocation: Allocation, view: memoryview, data: mmap.mmap, process: int) -> None:
    """Give back what nobody refers to; a child has a copy of the reference, not of the memory."""
    if os.getpid() != process:
        return
    # The device may be gone; then the memory is back already, and nobody is there to be told.
    with suppress(Refused, Unavailable):
        _free(allocation, view, data)
