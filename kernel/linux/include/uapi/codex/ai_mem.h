/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Generated from codex_agent/kernel/schema/ai_mem.toml; do not edit. */
#ifndef _UAPI_CODEX_AI_MEM_H
#define _UAPI_CODEX_AI_MEM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define AI_MEM_ABI_VERSION	1
#define AI_MEM_BLOCK_BYTES	4096

/* flags of struct ai_mem_alloc */
#define AI_MEM_ALLOC_CONTIGUOUS	(1U << 0)	/* physically contiguous */
#define AI_MEM_ALLOC_RING	(1U << 1)	/* with a free ring for its blocks */
#define AI_MEM_ALLOC_SHARED	(1U << 2)	/* outlives its owner while a dma-buf of it is open */

/* flags of struct ai_mem_export */
#define AI_MEM_EXPORT_READ_ONLY	(1U << 0)	/* the file descriptor can only be mapped for reading */

struct ai_mem_alloc {
	__u32 size;		/* in: sizeof(struct ai_mem_alloc) */
	__u32 flags;		/* in */
	__u64 bytes;		/* in: wanted; out: rounded up to whole blocks */
	__s32 node;		/* in: NUMA node, -1 for the nearest with room */
	__u32 handle;		/* out */
	__u64 mmap_offset;	/* out: offset of the data for mmap() of the device */
	__u64 ring_offset;	/* out: offset of the ring for mmap() of the device, 0 without one */
	__u64 ring_bytes;	/* out: length of that mapping */
};

struct ai_mem_export {
	__u32 size;
	__u32 flags;
	__u32 handle;		/* in */
	__s32 fd;		/* out: dma-buf, close-on-exec */
};

struct ai_mem_free {
	__u32 size;
	__u32 flags;		/* in: 0 */
	__u32 handle;		/* in */
	__u32 reserved;		/* in: 0 */
};

struct ai_mem_stat {
	__u32 size;
	__u32 flags;		/* in: 0 */
	__u64 pool_bytes;	/* out: the pool's limit */
	__u64 filled_bytes;	/* out: memory that the pool holds now */
	__u64 allocated_bytes;	/* out: of all owners, orphaned included */
	__u64 peak_bytes;	/* out: most ever allocated at once */
	__u64 orphaned_bytes;	/* out: of dead owners, kept by a device or by SHARED */
	__u64 owner_bytes;	/* out: of the caller's file */
	__u64 owner_limit_bytes;
	__u64 cgroup_bytes;	/* out: of the caller's cgroup */
	__u64 cgroup_limit_bytes;
	__u64 max_contiguous_bytes;	/* out: longest CONTIGUOUS allocation that can be asked for */
	__u64 allocations;	/* out: ALLOC calls that succeeded since load */
	__u64 frees;		/* out: allocations that came back since load */
	__u64 failures;		/* out: ALLOC calls refused for want of room, since load */
	__u32 owners;		/* out: open files that hold memory */
	__u32 exports;		/* out: dma-bufs that are open */
};

#define AI_MEM_IOC_ALLOC	_IO('A', 0x90)
#define AI_MEM_IOC_EXPORT	_IO('A', 0x91)
#define AI_MEM_IOC_FREE		_IO('A', 0x92)
#define AI_MEM_IOC_STAT		_IO('A', 0x93)

/*
 * Free ring: block numbers of one allocation in shared memory. The kernel writes it once, at ALLOC, and never reads it
 * again. Full batches of block numbers are kept on one lock-free stack, empty batches on another, single blocks on a
 * third. A stack's head holds a tag (upper 32 bits, raised by every change) and 1 + the index of the first
 * member (lower 32 bits, 0: empty).
 */
#define AI_MEM_RING_MAGIC	0x474e5241	/* "ARNG" */
#define AI_MEM_RING_BATCH_BLOCKS	30
#define AI_MEM_RING_SPARE_BATCHES	64

struct ai_mem_ring_batch {
	__u32 next;		/* 1 + index of the batch below, 0: none */
	__u32 count;
	__u32 blocks[AI_MEM_RING_BATCH_BLOCKS];
};

struct ai_mem_ring {
	__u32 magic;
	__u32 version;		/* AI_MEM_ABI_VERSION */
	__u32 blocks;		/* number of blocks: numbers are 0 .. blocks - 1 */
	__u32 batches;
	__u32 batches_offset;	/* from the ring's start, of struct ai_mem_ring_batch[batches] */
	__u32 links_offset;	/* from the ring's start, of __u32[blocks]: 1 + next of a single block, 0: none */
	__u32 reserved0[10];
	__u64 full;		/* stack of full batches */
	__u64 reserved1[15];
	__u64 empty;		/* stack of empty batches */
	__u64 reserved2[15];
	__u64 loose;		/* stack of single blocks */
	__u64 reserved3[15];
};

#endif
