# SPDX-License-Identifier: Apache-2.0
"""Memory of the module ai_mem: its own pages, which devices, programs and io_uring can share."""

from __future__ import annotations

import ctypes
import errno
from typing import TYPE_CHECKING

from codex_agent.kernel.abi import ai_mem as abi
from codex_agent.kernel.memory.backend import Pinned, PoolStat
from codex_agent.kernel.node import HINTS, Node, answered

if TYPE_CHECKING:
    import mmap

    from codex_agent.kernel.errors import Refused, Unavailable
    from codex_agent.kernel.memory.backend import Wanted
    from codex_agent.kernel.node import Calls

PATH = "/dev/ai_mem"
_HINTS = HINTS | {
    errno.ENOMEM: "the pool is full: free something, or load ai_mem with a larger pool_mib",
    errno.EDQUOT: "a limit of ai_mem is reached: owner_limit_mib or cgroup_limit_mib",
    errno.EINVAL: "sizes are from 1 byte to the pool's, a contiguous one at most "
    "max_contiguous_bytes; the NUMA node has to be online",
}


class AiMem:
    """The open /dev/ai_mem: all memory taken through it comes back when it is closed."""

    name = "ai_mem"

    def __init__(self, node: Calls | None = None) -> None:
        """Open the device and ask it once, so that another device of this name is noticed."""
        self._node = node or Node(PATH, "ai_mem")
        try:
            self.stat()
        except BaseException:
            self._node.close()
            raise

    def allocate(self, wanted: Wanted) -> AiMemAllocation:
        """Return memory of the pool, mapped; raises ``Refused``."""
        flags = abi.AllocFlag(0)
        flags |= abi.AllocFlag.CONTIGUOUS if wanted.contiguous else 0
        flags |= abi.AllocFlag.RING if wanted.ring else 0
        flags |= abi.AllocFlag.SHARED if wanted.shared else 0
        node = -1 if wanted.node is None else wanted.node
        call = abi.Alloc(size=ctypes.sizeof(abi.Alloc), flags=flags, bytes=wanted.bytes, node=node)
        self._call(f"allocate {wanted.bytes} bytes", abi.Ioctl.ALLOC, call)
        try:
            return AiMemAllocation(self, call)
        except OSError as error:
            self.free(call.handle)
            raise self._error(f"map {wanted.bytes} bytes", error) from None
        except BaseException:
            self.free(call.handle)
            raise

    def map(self, length: int, offset: int) -> mmap.mmap:
        """Map a part of the device; raises ``OSError``."""
        return self._node.map(length, offset)

    def export(self, handle: int, *, read_only: bool) -> int:
        """Return the file descriptor of a new dma-buf of an allocation."""
        flags = abi.ExportFlag.READ_ONLY if read_only else 0
        call = abi.Export(size=ctypes.sizeof(abi.Export), flags=flags, handle=handle, fd=-1)
        self._call("export a buffer", abi.Ioctl.EXPORT, call)
        return call.fd

    def free(self, handle: int) -> None:
        """End an allocation."""
        call = abi.Free(size=ctypes.sizeof(abi.Free), handle=handle)
        self._call("free a buffer", abi.Ioctl.FREE, call)

    def stat(self) -> PoolStat:
        """Return the pool's state and this owner's share."""
        call = abi.Stat(size=ctypes.sizeof(abi.Stat))
        self._call("ask for the pool's state", abi.Ioctl.STAT, call)
        names = PoolStat.__dataclass_fields__
        return PoolStat(**{name: getattr(call, name) for name in names})

    def close(self) -> None:
        """Close the device."""
        self._node.close()

    def _call(self, what: str, number: int, argument: ctypes.Structure) -> None:
        while True:
            try:
                return self._node.call(number, argument)
            except InterruptedError:
                # Nothing was done; the handler of the signal has run by now, and may have raised.
                continue
            except OSError as error:
                raise self._error(what, error) from None

    def _error(self, what: str, error: OSError) -> Refused | Unavailable:
        return answered(what, self._node.path, error, _HINTS)


class AiMemAllocation:
    """Pages of the pool under a handle."""

    def __init__(self, owner: AiMem, call: abi.Alloc) -> None:
        """Map what ALLOC gave; raises ``OSError``."""
        self._owner = owner
        self._handle = call.handle
        self.bytes = call.bytes
        self.pinned = Pinned(pinned=True)
        self.data = owner.map(call.bytes, call.mmap_offset)
        self.ring = owner.map(call.ring_bytes, call.ring_offset) if call.ring_bytes else None

    def export(self, *, read_only: bool) -> int:
        """Return the file descriptor of a new dma-buf."""
        return self._owner.export(self._handle, read_only=read_only)

    def free(self) -> None:
        """End the allocation."""
        self._owner.free(self._handle)
