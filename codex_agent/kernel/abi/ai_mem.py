# SPDX-License-Identifier: Apache-2.0
# Made from codex_agent/kernel/schema/ai_mem.toml by `python -m codex_agent.kernel.schema`.
"""Numbers and layouts of the module ai_mem."""

from __future__ import annotations

import ctypes
from enum import IntEnum, IntFlag

ABI_VERSION = 1
BLOCK_BYTES = 4096
#: "ARNG"
RING_MAGIC = 0x474E5241
RING_BATCH_BLOCKS = 30
RING_SPARE_BATCHES = 64


class AllocFlag(IntFlag):
    """Flags of struct ai_mem_alloc."""

    #: physically contiguous
    CONTIGUOUS = 1 << 0
    #: with a free ring for its blocks
    RING = 1 << 1
    #: outlives its owner while it has a dma-buf
    SHARED = 1 << 2


class ExportFlag(IntFlag):
    """Flags of struct ai_mem_export."""

    #: a dma-buf that is only mapped for reading
    READ_ONLY = 1 << 0


class Ioctl(IntEnum):
    """Numbers of the calls."""

    ALLOC = 0x4190
    EXPORT = 0x4191
    FREE = 0x4192
    STAT = 0x4193


class Alloc(ctypes.Structure):
    """Take memory from the pool.

    ``struct ai_mem_alloc``, 48 bytes.
    """

    #: in: sizeof(struct ai_mem_alloc)
    size: int
    #: in: AI_MEM_ALLOC_*
    flags: int
    #: in: wanted; out: rounded up to whole blocks
    bytes: int
    #: in: NUMA node, -1 for the nearest with room
    node: int
    #: out: names the allocation in EXPORT and FREE
    handle: int
    #: out: offset of the data for mmap() of the device
    mmap_offset: int
    #: out: offset of the ring for mmap() of the device, 0 without one
    ring_offset: int
    #: out: length of that mapping
    ring_bytes: int

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("bytes", ctypes.c_uint64),
        ("node", ctypes.c_int32),
        ("handle", ctypes.c_uint32),
        ("mmap_offset", ctypes.c_uint64),
        ("ring_offset", ctypes.c_uint64),
        ("ring_bytes", ctypes.c_uint64),
    )


class Export(ctypes.Structure):
    """Make a dma-buf of an allocation.

    ``struct ai_mem_export``, 16 bytes.
    """

    #: in: sizeof(struct ai_mem_export)
    size: int
    #: in: AI_MEM_EXPORT_*
    flags: int
    #: in: of ALLOC
    handle: int
    #: out: dma-buf, close-on-exec
    fd: int

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("handle", ctypes.c_uint32),
        ("fd", ctypes.c_int32),
    )


class Free(ctypes.Structure):
    """End an allocation.

    ``struct ai_mem_free``, 16 bytes.
    """

    #: in: sizeof(struct ai_mem_free)
    size: int
    #: in: 0
    flags: int
    #: in: of ALLOC
    handle: int
    #: in: 0
    reserved: int

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("handle", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class Stat(ctypes.Structure):
    """State of the pool and of the caller's share.

    ``struct ai_mem_stat``, 120 bytes.
    """

    #: in: sizeof(struct ai_mem_stat)
    size: int
    #: in: 0
    flags: int
    #: out: the pool's limit
    pool_bytes: int
    #: out: memory that the pool holds now
    filled_bytes: int
    #: out: of all owners, orphaned included
    allocated_bytes: int
    #: out: most ever allocated at once
    peak_bytes: int
    #: out: of dead owners, kept by a device or by SHARED
    orphaned_bytes: int
    #: out: of the caller's file
    owner_bytes: int
    #: out: most that one file may hold, 0: no limit
    owner_limit_bytes: int
    #: out: of the caller's cgroup
    cgroup_bytes: int
    #: out: most that one cgroup may hold, 0: no limit
    cgroup_limit_bytes: int
    #: out: longest CONTIGUOUS allocation that can be asked for
    max_contiguous_bytes: int
    #: out: ALLOC calls that succeeded since load
    allocations: int
    #: out: allocations that came back since load
    frees: int
    #: out: ALLOC calls refused for want of room, since load
    failures: int
    #: out: open files that hold memory
    owners: int
    #: out: dma-bufs that are open
    exports: int

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("pool_bytes", ctypes.c_uint64),
        ("filled_bytes", ctypes.c_uint64),
        ("allocated_bytes", ctypes.c_uint64),
        ("peak_bytes", ctypes.c_uint64),
        ("orphaned_bytes", ctypes.c_uint64),
        ("owner_bytes", ctypes.c_uint64),
        ("owner_limit_bytes", ctypes.c_uint64),
        ("cgroup_bytes", ctypes.c_uint64),
        ("cgroup_limit_bytes", ctypes.c_uint64),
        ("max_contiguous_bytes", ctypes.c_uint64),
        ("allocations", ctypes.c_uint64),
        ("frees", ctypes.c_uint64),
        ("failures", ctypes.c_uint64),
        ("owners", ctypes.c_uint32),
        ("exports", ctypes.c_uint32),
    )


class RingBatch(ctypes.Structure):
    """Block numbers that move between a thread and the ring together.

    ``struct ai_mem_ring_batch``, 128 bytes.
    """

    #: 1 + index of the batch below, 0: none
    next: int
    #: how many of blocks are valid
    count: int
    #: block numbers
    blocks: ctypes.Array[ctypes.c_uint32]

    _fields_ = (
        ("next", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("blocks", ctypes.c_uint32 * RING_BATCH_BLOCKS),
    )


class Ring(ctypes.Structure):
    """Start of a ring's mapping.

    ``struct ai_mem_ring``, 448 bytes.
    """

    #: AI_MEM_RING_MAGIC
    magic: int
    #: AI_MEM_ABI_VERSION
    version: int
    #: number of blocks: numbers are 0 .. blocks - 1
    blocks: int
    #: number of batches
    batches: int
    #: from the ring's start, of struct ai_mem_ring_batch[batches]
    batches_offset: int
    #: from the ring's start, of __u32[blocks]: 1 + next of a single block, 0: none
    links_offset: int
    #: 0; each stack has two cache lines of its own
    reserved0: ctypes.Array[ctypes.c_uint32]
    #: stack of full batches
    full: int
    #: 0
    reserved1: ctypes.Array[ctypes.c_uint64]
    #: stack of empty batches
    empty: int
    #: 0
    reserved2: ctypes.Array[ctypes.c_uint64]
    #: stack of single blocks
    loose: int
    #: 0
    reserved3: ctypes.Array[ctypes.c_uint64]

    _fields_ = (
        ("magic", ctypes.c_uint32),
        ("version", ctypes.c_uint32),
        ("blocks", ctypes.c_uint32),
        ("batches", ctypes.c_uint32),
        ("batches_offset", ctypes.c_uint32),
        ("links_offset", ctypes.c_uint32),
        ("reserved0", ctypes.c_uint32 * 10),
        ("full", ctypes.c_uint64),
        ("reserved1", ctypes.c_uint64 * 15),
        ("empty", ctypes.c_uint64),
        ("reserved2", ctypes.c_uint64 * 15),
        ("loose", ctypes.c_uint64),
        ("reserved3", ctypes.c_uint64 * 15),
    )
