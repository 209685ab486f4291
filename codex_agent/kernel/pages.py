# SPDX-License-Identifier: Apache-2.0
"""Which physical pages a mapping of this process has: two with the same ones are one memory."""

from __future__ import annotations

import ctypes
import mmap
import struct
from pathlib import Path

from codex_agent.kernel.errors import Unavailable

PAGEMAP = Path("/proc/self/pagemap")
_PRESENT = 1 << 63
_FRAME = (1 << 55) - 1


def frames(memory: memoryview | mmap.mmap, pagemap: Path = PAGEMAP) -> tuple[int, ...]:
    """Return the physical frame number of each page of a writable mapping.

    Raises ``Unavailable``: without CAP_SYS_ADMIN the kernel shows no frames.
    """
    count = -(-len(memory) // mmap.PAGESIZE)
    for page in range(count):
        memory[page * mmap.PAGESIZE]  # a page that was never touched has no frame
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory)) // mmap.PAGESIZE
    try:
        with pagemap.open("rb", buffering=0) as file:
            file.seek(start * 8)
            data = file.read(count * 8)
    except OSError as error:
        raise Unavailable(f"{pagemap} cannot be read: {error.strerror}", "be root") from None
    if len(data) != count * 8:
        raise Unavailable(f"{pagemap} ends early", "be root")
    entries = struct.unpack(f"={count}Q", data)
    if not all(entry & _PRESENT and entry & _FRAME for entry in entries):
        raise Unavailable("physical pages are not shown", "be root (CAP_SYS_ADMIN)")
    return tuple(entry & _FRAME for entry in entries)
