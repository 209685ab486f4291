# SPDX-License-Identifier: Apache-2.0
"""Blocks of one buffer, taken and given back without a system call."""

from __future__ import annotations

import ctypes
import errno
import threading
import weakref
from array import array
from typing import TYPE_CHECKING

from codex_agent.kernel.abi.ai_mem import Ring
from codex_agent.kernel.errors import Refused
from codex_agent.kernel.memory import native

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterable

#: Numbers for which a thread's cache has room of its own; for more, room is made in each call.
_FEW = 64
_CORRUPT = "somebody wrote into the ring: free the buffer and allocate another"


class _Cache:
    """A thread's store of free blocks; goes back into the ring when the thread ends."""

    def __init__(self, library: native.Library, mapping: mmap.mmap) -> None:
        # Holding it keeps the mapping open for as long as the cache refers to it.
        self._pin = ctypes.c_char.from_buffer(mapping)
        pointer = library.cache_new(ctypes.addressof(self._pin), len(mapping))
        if not pointer:
            raise Refused("make a cache of free blocks", ctypes.get_errno() or errno.ENOMEM)
        self.pointer: int = pointer
        self.numbers = (ctypes.c_uint32 * _FEW)()
        self.place = ctypes.addressof(self.numbers)
        self.free = weakref.finalize(self, _free, library, pointer, self._pin)


def _free(library: native.Library, pointer: int, _pin: ctypes.c_char) -> None:
    library.cache_free(pointer)


class BlockRing:
    """The free blocks of a buffer, by number; block n is bytes n * 4096 … of the buffer.

    Any thread may use it: each has a cache of its own inside. A number is as good as those who
    share the ring are honest; numbers are always in range.
    """

    def __init__(self, mapping: mmap.mmap, library: native.Library | None = None) -> None:
        """Take a ring that the backend made; raises ``Refused`` (EUCLEAN) when it is corrupt."""
        self._library = library or native.library()
        self._mapping: mmap.mmap | None = mapping
        self._local = threading.local()
        result = self._library.ring_check(native.address(mapping), len(mapping))
        if result < 0:
            raise Refused("use the free ring", -result, _CORRUPT)
        self.blocks = Ring.from_buffer_copy(mapping).blocks

    def take(self, count: int = 1) -> list[int]:
        """Return up to ``count`` free blocks; fewer, down to none, where no more are free."""
        if not 0 <= count <= self.blocks:
            raise Refused(f"take {count} of {self.blocks} blocks", errno.EINVAL)
        cache = self._cache()
        if count <= _FEW:
            numbers, place = cache.numbers, cache.place
        else:
            numbers = (ctypes.c_uint32 * count)()
            place = ctypes.addressof(numbers)
        taken: int = self._library.take(cache.pointer, place, count)
        if taken < 0:
            raise Refused("take blocks", -taken, _CORRUPT)
        return numbers[:taken]

    def give(self, blocks: Iterable[int]) -> None:
        """Give blocks back, whoever took them; none is given when a number is out of range."""
        try:
            numbers = array("I", blocks)
        except (OverflowError, TypeError, ValueError):
            raise Refused("give blocks", errno.EINVAL, "they are numbers from 0") from None
        if not numbers:
            return
        place, count = numbers.buffer_info()
        given = self._library.give(self._cache().pointer, place, count)
        if given < 0:
            hint = f"numbers are from 0 to {self.blocks - 1}"
            raise Refused("give blocks", -given, hint if -given == errno.EINVAL else _CORRUPT)
        if given < count:
            raise Refused(f"give {count} blocks, {given} were given", errno.EUCLEAN, _CORRUPT)

    @property
    def free_blocks(self) -> int:
        """Return the free blocks that this thread can get; other threads hold some as well."""
        found: int = self._library.free_blocks(self._cache().pointer)
        if found < 0:
            hint = _CORRUPT if -found == errno.EUCLEAN else "the ring is in use, ask again"
            raise Refused("count free blocks", -found, hint)
        return found

    def flush(self) -> None:
        """Put what this thread's cache holds where other threads and processes find it."""
        flushed: int = self._library.cache_flush(self._cache().pointer)
        if flushed < 0:
            raise Refused("flush the cache of free blocks", -flushed, _CORRUPT)

    def close(self) -> None:
        """Return this thread's cache and refuse further use.

        The caches of other threads end with them; until then the ring stays mapped.
        """
        self._mapping = None
        cache: _Cache | None = getattr(self._local, "cache", None)
        if cache is not None:
            del self._local.cache
            cache.free()

    def _cache(self) -> _Cache:
        mapping = self._mapping
        if mapping is None:
            raise Refused("use the ring of a buffer that was freed", errno.EBADF)
        try:
            cache: _Cache = self._local.cache
        except AttributeError:
            cache = self._local.cache = _Cache(self._library, mapping)
        return cache
