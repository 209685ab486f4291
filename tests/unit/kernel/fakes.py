# SPDX-License-Identifier: Apache-2.0
"""Kernels of our own behind the seam for ioctls; their memory is memfds, so mapping is real."""

from __future__ import annotations

import errno
import math
import mmap
import os
from typing import TYPE_CHECKING

from codex_agent.kernel.abi import ai_gpu, ai_mem

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable

MIB = 1 << 20


def error(number: int) -> OSError:
    """An ``OSError`` as a failed call raises it."""
    return OSError(number, os.strerror(number))


class Node:
    """A node whose calls can be made to fail: ``fail[number]`` are errnos of the calls to come."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.fail: dict[int, list[int]] = {}
        self.calls: list[int] = []
        self.closed = 0

    def call(self, number: int, argument: ctypes.Structure) -> None:
        assert not self.closed
        self.calls.append(number)
        if self.fail.get(number):
            raise error(self.fail[number].pop(0))
        size: int = getattr(argument, "size")  # noqa: B009 - each structure of ours has one
        assert size == len(bytes(argument))
        self.handlers()[number](argument)

    def handlers(self) -> dict[int, Callable[..., None]]:
        raise NotImplementedError

    def map(self, length: int, offset: int) -> mmap.mmap:
        raise NotImplementedError

    def fileno(self) -> int:
        return 99

    def close(self) -> None:
        self.closed += 1


class Memory(Node):
    """ai_mem with a pool of 1 MiB; ``init_ring`` writes a ring, as the kernel would."""

    def __init__(self, init_ring: Callable[[mmap.mmap, int], None] | None = None) -> None:
        super().__init__("/dev/ai_mem")
        self.init_ring = init_ring
        self.limit = MIB
        self.handles: dict[int, int] = {}
        self.sizes: dict[int, int] = {}
        self.freed: list[int] = []
        self.exported: list[tuple[int, int]] = []
        self.refuse_map: set[int] = set()
        self.last = ai_mem.Alloc()

    def handlers(self) -> dict[int, Callable[..., None]]:
        call = ai_mem.Ioctl
        return {
            call.ALLOC: self._alloc, call.EXPORT: self._export,
            call.FREE: self._free, call.STAT: self._stat,
        }  # fmt: skip

    def _alloc(self, call: ai_mem.Alloc) -> None:
        self.last = ai_mem.Alloc.from_buffer_copy(call)
        length = -(-call.bytes // ai_mem.BLOCK_BYTES) * ai_mem.BLOCK_BYTES
        if not 0 < length <= self.limit:
            raise error(errno.EINVAL)
        if sum(self.sizes.values()) + length > self.limit:
            raise error(errno.ENOMEM)
        handle = len(self.freed) + len(self.handles) + 1
        self.handles[handle] = os.memfd_create("pool")
        self.sizes[handle] = length
        os.truncate(self.handles[handle], length)
        call.bytes, call.handle, call.mmap_offset = length, handle, handle << 32
        if call.flags & ai_mem.AllocFlag.RING:
            call.ring_offset, call.ring_bytes = handle << 32 | 1 << 31, 65536

    def map(self, length: int, offset: int) -> mmap.mmap:
        if offset >> 31 & 1 in self.refuse_map:
            raise error(errno.EAGAIN)
        if not offset >> 31 & 1:
            return mmap.mmap(self.handles[offset >> 32], length)
        ring = mmap.mmap(-1, length)
        assert self.init_ring is not None
        self.init_ring(ring, self.sizes[offset >> 32] // ai_mem.BLOCK_BYTES)
        return ring

    def _export(self, call: ai_mem.Export) -> None:
        self.exported.append((call.handle, call.flags))
        call.fd = os.dup(self.handles[call.handle])

    def _free(self, call: ai_mem.Free) -> None:
        if call.handle not in self.handles:
            raise error(errno.EINVAL)
        os.close(self.handles.pop(call.handle))
        del self.sizes[call.handle]
        self.freed.append(call.handle)

    def _stat(self, call: ai_mem.Stat) -> None:
        call.pool_bytes, call.allocated_bytes = self.limit, sum(self.sizes.values())
        call.owners, call.max_contiguous_bytes = 1, 65536


class Gpu(Node):
    """ai_gpu with a device of 4 KiB; jobs are done when they are queued.

    ``spoil`` changes what a transfer delivers, ``bounce`` is what each reports as copied,
    ``status`` is that of the jobs to come.
    """

    def __init__(self, path: str = "/dev/ai_gpu0", address: str = "0000:00:04.0") -> None:
        super().__init__(path)
        self.address = address
        self.device = bytearray(4096)
        self.info = ai_gpu.Info(
            vendor=0x1234, device=0x11E8, functions=1, memory_bytes=4096, numa_node=-1
        )
        self.spoil: Callable[[bytes], bytes] = bytes
        self.bounce = 0
        self.status: list[int] = []
        self.wrong_result = 0
        self.jobs: list[tuple[int, int]] = []
        self.timeouts: list[int] = []
        self.launched: list[ai_gpu.Launch] = []

    def handlers(self) -> dict[int, Callable[..., None]]:
        call = ai_gpu.Ioctl
        return {
            call.INFO: self._info, call.DMA: self._dma, call.LAUNCH: self._launch,
            call.WAIT: self._wait, call.RESET: self._reset,
        }  # fmt: skip

    def _info(self, call: ai_gpu.Info) -> None:
        for field in ai_gpu.Info._fields_[2:]:
            setattr(call, field[0], getattr(self.info, field[0]))
        call.address = self.address.encode()

    def _done(self, result: int, bounced: int) -> int:
        self.jobs.append((result, bounced))
        self.info.interrupts += 1
        return len(self.jobs)

    def _dma(self, call: ai_gpu.Dma) -> None:
        if call.device_address + call.length > len(self.device):
            raise error(errno.EINVAL)
        place = slice(call.device_address, call.device_address + call.length)
        if call.direction == ai_gpu.Direction.TO_DEVICE:
            self.device[place] = os.pread(call.dmabuf_fd, call.length, call.offset)
            self.info.transfers_to += 1
            self.info.bytes_to += call.length
        else:
            os.pwrite(call.dmabuf_fd, self.spoil(bytes(self.device[place])), call.offset)
            self.info.transfers_from += 1
            self.info.bytes_from += call.length
        call.fence = self._done(0, self.bounce)

    def _launch(self, call: ai_gpu.Launch) -> None:
        self.launched.append(ai_gpu.Launch.from_buffer_copy(call))
        if not 0 < call.function < 2:
            raise error(errno.EINVAL)
        self.info.launches += 1
        call.fence = self._done(math.factorial(call.argument) % 2**32 + self.wrong_result, 0)

    def _wait(self, call: ai_gpu.Wait) -> None:
        self.timeouts.append(call.timeout_ms)
        if not 0 < call.fence <= len(self.jobs):
            raise error(errno.EINVAL)
        call.status = self.status.pop(0) if self.status else 0
        call.result, call.bounced_bytes = self.jobs[call.fence - 1]

    def _reset(self, call: ai_gpu.Reset) -> None:
        self.info.resets += 1
