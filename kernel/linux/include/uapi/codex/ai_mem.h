/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Made from codex_agent/kernel/schema/ai_mem.toml by `python -m codex_agent.kernel.schema`. */
#ifndef _UAPI_CODEX_AI_MEM_H
#define _UAPI_CODEX_AI_MEM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define AI_MEM_ABI_VERSION	1

#define AI_MEM_BLOCK_BYTES	4096

/* flags of struct ai_mem_alloc */
#define AI_MEM_ALLOC_CONTIGUOUS	(1U << 0)	/* physically contiguous */
#define AI_MEM_ALLOC_RING	(1U << 1)	/* with a free ring for its blocks */
#define AI_MEM_ALLOC_SHARED	(1U << 2)	/* outlives its owner while it has a dma-buf */

/* flags of struct ai_mem_export */
#define AI_MEM_EXPORT_READ_ONLY	(1U << 0)	/* a dma-buf that is only mapped for reading */

/**
 * struct ai_mem_alloc - take memory from the pool
 * @size: in: sizeof(struct ai_mem_alloc)
 * @flags: in: AI_MEM_ALLOC_*
 * @bytes: in: wanted; out: rounded up to whole blocks
 * @node: in: NUMA node, -1 for the nearest with room
 * @handle: out: names the allocation in EXPORT and FREE
 * @mmap_offset: out: offset of the data for mmap() of the device
 * @ring_offset: out: offset of the ring for mmap() of the device, 0 without one
 * @ring_bytes: out: length of that mapping
 */
struct ai_mem_alloc {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	__s32 node;
	__u32 handle;
	__u64 mmap_offset;
	__u64 ring_offset;
	__u64 ring_bytes;
};

/**
 * struct ai_mem_export - make a dma-buf of an allocation
 * @size: in: sizeof(struct ai_mem_export)
 * @flags: in: AI_MEM_EXPORT_*
 * @handle: in: of ALLOC
 * @fd: out: dma-buf, close-on-exec
 */
struct ai_mem_export {
	__u32 size;
	__u32 flags;
	__u32 handle;
	__s32 fd;
};

/**
 * struct ai_mem_free - end an allocation
 * @size: in: sizeof(struct ai_mem_free)
 * @flags: in: 0
 * @handle: in: of ALLOC
 * @reserved: in: 0
 */
struct ai_mem_free {
	__u32 size;
	__u32 flags;
	__u32 handle;
	__u32 reserved;
};

/**
 * struct ai_mem_stat - state of the pool and of the caller's share
 * @size: in: sizeof(struct ai_mem_stat)
 * @flags: in: 0
 * @pool_bytes: out: the pool's limit
 * @filled_bytes: out: memory that the pool holds now
 * @allocated_bytes: out: of all owners, orphaned included
 * @peak_bytes: out: most ever allocated at once
 * @orphaned_bytes: out: of dead owners, kept by a device or by SHARED
 * @owner_bytes: out: of the caller's file
 * @owner_limit_bytes: out: most that one file may hold, 0: no limit
 * @cgroup_bytes: out: of the caller's cgroup
 * @cgroup_limit_bytes: out: most that one cgroup may hold, 0: no limit
 * @max_contiguous_bytes: out: longest CONTIGUOUS allocation that can be asked for
 * @allocations: out: ALLOC calls that succeeded since load
 * @frees: out: allocations that came back since load
 * @failures: out: ALLOC calls refused for want of room, since load
 * @owners: out: open files that hold memory
 * @exports: out: dma-bufs that are open
 */
struct ai_mem_stat {
	__u32 size;
	__u32 flags;
	__u64 pool_bytes;
	__u64 filled_bytes;
	__u64 allocated_bytes;
	__u64 peak_bytes;
	__u64 orphaned_bytes;
	__u64 owner_bytes;
	__u64 owner_limit_bytes;
	__u64 cgroup_bytes;
	__u64 cgroup_limit_bytes;
	__u64 max_contiguous_bytes;
	__u64 allocations;
	__u64 frees;
	__u64 failures;
	__u32 owners;
	__u32 exports;
};

#define AI_MEM_IOC_ALLOC	_IO('A', 0x90)	/* struct ai_mem_alloc */
#define AI_MEM_IOC_EXPORT	_IO('A', 0x91)	/* struct ai_mem_export */
#define AI_MEM_IOC_FREE		_IO('A', 0x92)	/* struct ai_mem_free */
#define AI_MEM_IOC_STAT		_IO('A', 0x93)	/* struct ai_mem_stat */

/*
 * Free ring: block numbers of one allocation in shared memory. The kernel writes it once, at ALLOC,
 * and never reads it again. Full batches of block numbers are kept on one lock-free stack, empty
 * batches on another, single blocks on a third. A stack's head holds a tag (upper 32 bits, raised
 * by every change) and 1 + the index of the first member (lower 32 bits, 0: empty).
 */
#define AI_MEM_RING_MAGIC		0x474e5241	/* "ARNG" */
#define AI_MEM_RING_BATCH_BLOCKS	30
#define AI_MEM_RING_SPARE_BATCHES	64

/**
 * struct ai_mem_ring_batch - block numbers that move between a thread and the ring together
 * @next: 1 + index of the batch below, 0: none
 * @count: how many of @blocks are valid
 * @blocks: block numbers
 */
struct ai_mem_ring_batch {
	__u32 next;
	__u32 count;
	__u32 blocks[AI_MEM_RING_BATCH_BLOCKS];
};

/**
 * struct ai_mem_ring - start of a ring's mapping
 * @magic: AI_MEM_RING_MAGIC
 * @version: AI_MEM_ABI_VERSION
 * @blocks: number of blocks: numbers are 0 .. @blocks - 1
 * @batches: number of batches
 * @batches_offset: from the ring's start, of struct ai_mem_ring_batch[@batches]
 * @links_offset: from the ring's start, of __u32[@blocks]: 1 + next of a single block, 0: none
 * @reserved0: 0; each stack has two cache lines of its own
 * @full: stack of full batches
 * @reserved1: 0
 * @empty: stack of empty batches
 * @reserved2: 0
 * @loose: stack of single blocks
 * @reserved3: 0
 */
struct ai_mem_ring {
	__u32 magic;
	__u32 version;
	__u32 blocks;
	__u32 batches;
	__u32 batches_offset;
	__u32 links_offset;
	__u32 reserved0[10];
	__u64 full;
	__u64 reserved1[15];
	__u64 empty;
	__u64 reserved2[15];
	__u64 loose;
	__u64 reserved3[15];
};

#endif
