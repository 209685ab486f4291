# SPDX-License-Identifier: Apache-2.0
"""Memory where the module ai_mem cannot be loaded: sealed memfds, exported through udmabuf."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import threading
import weakref
from typing import TYPE_CHECKING

from codex_agent.kernel.abi.ai_mem import BLOCK_BYTES
from codex_agent.kernel.errors import Refused, Unavailable
from codex_agent.kernel.memory import native, udmabuf
from codex_agent.kernel.memory.backend import Pinned, PoolStat

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.kernel.memory.backend import Wanted

#: The module's default, so that a program meets the same limit in both places.
LIMIT_BYTES = 256 << 20
_HINT = "load the module: modprobe ai_mem"


class Memfd:
    """A budget of memory of this process; several processes have several."""

    name = "memfd"

    def __init__(
        self, limit_bytes: int = LIMIT_BYTES, export: Callable[[int, int], int] = udmabuf.export
    ) -> None:
        """``limit_bytes`` is the pool's size, ``export`` makes a dma-buf of a memfd."""
        self._limit = limit_bytes
        self._export = export
        self._lock = threading.Lock()
        self._taken = self._peak = self._allocations = self._frees = self._failures = 0

    def allocate(self, wanted: Wanted) -> MemfdAllocation:
        """Return memory of a memfd of its own; contiguity and NUMA nodes are not to be had."""
        length = -(-wanted.bytes // BLOCK_BYTES) * BLOCK_BYTES
        what = f"allocate {wanted.bytes} bytes"
        if length > self._limit:
            raise Refused(what, errno.EINVAL, f"the pool has {self._limit} bytes")
        if wanted.contiguous and length > mmap.PAGESIZE:
            raise Unavailable("a memfd's memory is not physically contiguous", _HINT)
        if wanted.node is not None:
            raise Unavailable("a memfd's NUMA node cannot be chosen here", _HINT)
        library = native.library() if wanted.ring else None
        self._take(length, what)
        try:
            return MemfdAllocation(length, self._export, lambda: self._give(length), library)
        except OSError as error:
            self._undo(length)
            raise Refused(what, error.errno or errno.EIO, "free some memory") from None
        except BaseException:
            self._undo(length)
            raise

    def stat(self) -> PoolStat:
        """Return what this process took; nothing is known of others."""
        with self._lock:
            return PoolStat(
                pool_bytes=self._limit,
                filled_bytes=self._taken,
                allocated_bytes=self._taken,
                peak_bytes=self._peak,
                orphaned_bytes=None,
                owner_bytes=self._taken,
                owner_limit_bytes=0,
                cgroup_bytes=None,
                cgroup_limit_bytes=None,
                max_contiguous_bytes=mmap.PAGESIZE,
                allocations=self._allocations,
                frees=self._frees,
                failures=self._failures,
                owners=None,
                exports=None,
            )

    def close(self) -> None:
        """Do nothing: every allocation has its own memfd."""

    def _take(self, length: int, what: str) -> None:
        with self._lock:
            if self._taken + length > self._limit:
                self._failures += 1
                raise Refused(what, errno.ENOMEM, "the pool is full: free something")
            self._taken += length
            self._peak = max(self._peak, self._taken)
            self._allocations += 1

    def _give(self, length: int) -> None:
        with self._lock:
            self._taken -= length
            self._frees += 1

    def _undo(self, length: int) -> None:
        with self._lock:
            self._taken -= length
            self._allocations -= 1
            self._failures += 1


class MemfdAllocation:
    """A sealed memfd, mapped; its pages exist from the start, so that touching cannot fail."""

    ring: mmap.mmap | None

    def __init__(
        self,
        length: int,
        export: Callable[[int, int], int],
        given_back: Callable[[], None],
        library: native.Library | None,
    ) -> None:
        """Make the memory; raises ``OSError``."""
        self.bytes = length
        self._export = export
        self._given_back = given_back
        self._fd = os.memfd_create("codex-pool", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._close = weakref.finalize(self, os.close, self._fd)
        try:
            os.posix_fallocate(self._fd, 0, length)
            # Without SHRINK udmabuf refuses, and a truncated file would turn reading into SIGBUS.
            fcntl.fcntl(self._fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            self.data = mmap.mmap(self._fd, length, flags=mmap.MAP_SHARED)
            self.ring = _ring(library, length) if library else None
        except BaseException:
            self._close()
            raise
        self.pinned = _lock(self.data)

    def export(self, *, read_only: bool) -> int:
        """Return the file descriptor of a new dma-buf."""
        if read_only:
            raise Unavailable("udmabuf makes no dma-buf that is only for reading", _HINT)
        return self._export(self._fd, self.bytes)

    def free(self) -> None:
        """Let go of the memfd; mappings and dma-bufs keep the pages that they need."""
        self._close()
        self._given_back()


def _ring(library: native.Library, length: int) -> mmap.mmap:
    """Return a ring with all blocks free, in memory that children of this process share."""
    blocks = length // BLOCK_BYTES
    length = library.ring_bytes(blocks)
    if not length:
        raise OSError(errno.EINVAL, "so many blocks fit in no ring")
    ring = mmap.mmap(-1, length, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    library.ring_init(native.address(ring), blocks)
    return ring


def _lock(data: mmap.mmap) -> Pinned:
    """Keep the pages in memory as far as RLIMIT_MEMLOCK allows it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlock(ctypes.c_void_p(native.address(data)), ctypes.c_size_t(len(data))) == 0:
        return Pinned(pinned=True)
    reason = os.strerror(ctypes.get_errno())
    return Pinned(pinned=False, reason=f"mlock: {reason}; ulimit -l is the limit")
