# SPDX-License-Identifier: Apache-2.0
"""A dma-buf: memory under a file descriptor that devices and programs take (linux/dma-buf.h)."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

from codex_agent.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

#: _IOW('b', 0, struct dma_buf_sync)
SYNC = 0x40086200
READ, WRITE, END = 1, 2, 4


class Sync(ctypes.Structure):
    """``struct dma_buf_sync``: who begins or ends what."""

    _fields_ = (("flags", ctypes.c_uint64),)


class DmaBuf:
    """An exported buffer of ``bytes`` bytes; closed at the latest when nobody refers to it."""

    def __init__(self, fd: int, length: int, *, read_only: bool = False) -> None:
        """Take over the file descriptor."""
        self.bytes = length
        self.read_only = read_only
        self._fd = fd
        self._close = weakref.finalize(self, os.close, fd)

    def fileno(self) -> int:
        """Return the file descriptor, which stays ours."""
        if not self._close.alive:
            raise Refused("use a dma-buf that was closed", errno.EBADF)
        return self._fd

    @property
    def closed(self) -> bool:
        """Say whether the file descriptor is closed."""
        return not self._close.alive

    def map(self) -> mmap.mmap:
        """Map all of it, for reading only where it is read-only; raises ``Refused``."""
        prot = mmap.PROT_READ if self.read_only else mmap.PROT_READ | mmap.PROT_WRITE
        try:
            return mmap.mmap(self.fileno(), self.bytes, flags=mmap.MAP_SHARED, prot=prot)
        except OSError as error:
            raise Refused("map a dma-buf", error.errno or errno.EIO) from None

    @contextmanager
    def sync(self, *, read: bool = True, write: bool = True) -> Iterator[None]:
        """Make sure that the processor sees what devices wrote, and they what it writes inside."""
        flags = (READ if read else 0) | (WRITE if write else 0)
        self._sync(flags)
        try:
            yield
        finally:
            self._sync(flags | END)

    def _sync(self, flags: int) -> None:
        call = Sync(flags=flags)
        while True:
            try:
                fcntl.ioctl(self.fileno(), SYNC, call, False)
            except (InterruptedError, BlockingIOError):
                # The kernel's documentation asks for another attempt after EINTR and EAGAIN.
                continue
            except OSError as error:
                raise Refused("synchronise a dma-buf", error.errno or errno.EIO) from None
            return

    def close(self) -> None:
        """Close the file descriptor; once more does nothing."""
        self._close()

    def __enter__(self) -> DmaBuf:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
