# SPDX-License-Identifier: Apache-2.0
"""The ring's library in C (``kernel/native/ring.h``), as Python calls it."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.kernel.errors import Unavailable

if TYPE_CHECKING:
    import mmap

PATH = Path(__file__).resolve().parents[1] / "native" / "libcodex-ring.so"
_HINT = "build it: make -C codex_agent/kernel/native"


class Library:
    """The library's functions with their types.

    They are called with the interpreter's lock held: each takes some ten nanoseconds, less than
    letting go of the lock, and so no two threads are inside at once.
    """

    def __init__(self, path: Path = PATH) -> None:
        """Load the library, or raise ``Unavailable``."""
        try:
            loaded = ctypes.PyDLL(str(path), use_errno=True)
            self.ring_check = loaded.codex_ring_check
            self.ring_init = loaded.codex_ring_init
            self.ring_bytes = loaded.codex_ring_bytes
            self.cache_new = loaded.codex_ring_cache_new
            self.cache_free = loaded.codex_ring_cache_free
            self.cache_flush = loaded.codex_ring_cache_flush
            self.take = loaded.codex_ring_take
            self.give = loaded.codex_ring_give
            self.free_blocks = loaded.codex_ring_free_blocks
        except (OSError, AttributeError) as error:
            raise Unavailable(f"the ring's library cannot be used: {error}", _HINT) from None
        pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32
        self.ring_check.argtypes, self.ring_check.restype = [pointer, size], ctypes.c_int
        self.ring_init.argtypes, self.ring_init.restype = [pointer, number], None
        self.ring_bytes.argtypes, self.ring_bytes.restype = [number], size
        self.cache_new.argtypes, self.cache_new.restype = [pointer, size], pointer
        self.cache_free.argtypes, self.cache_free.restype = [pointer], None
        for ask in (self.free_blocks, self.cache_flush):
            ask.argtypes, ask.restype = [pointer], ctypes.c_long
        for move in (self.take, self.give):
            move.argtypes, move.restype = [pointer, pointer, size], ctypes.c_long


@cache
def library() -> Library:
    """Return the library, loaded once; raises ``Unavailable`` each time that it is not there."""
    return Library()


def address(mapping: mmap.mmap) -> int:
    """Return where a mapping lies; it is only valid while the mapping is."""
    return ctypes.addressof(ctypes.c_char.from_buffer(mapping))
