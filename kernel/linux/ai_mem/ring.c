// SPDX-License-Identifier: GPL-2.0-only
/*
 * The free ring: block numbers of an area on stacks in memory that is mapped into the owner, who
 * takes and gives blocks without a system call. The kernel fills it here, before anybody can map
 * it, and never looks at it again: whatever the owner writes into it harms nobody else.
 */
#include <linux/align.h>
#include <linux/math.h>
#include <linux/vmalloc.h>

#include "ai_mem.h"

static_assert(sizeof(struct ai_mem_ring_batch) == 128);
static_assert(PAGE_SIZE == AI_MEM_BLOCK_BYTES);

/* In links and heads, members count from 1: 0 is the end. The last of @count ends its stack. */
static u32 below(u32 index, u32 count)
{
	return index + 1 < count ? index + 2 : 0;
}

/* Every block is in one of the first @full batches, of which the last may have fewer than fit. */
static void put_batches(struct ai_mem_ring_batch *batches, u32 count, u32 full, u32 blocks)
{
	u32 block = 0;
	u32 i, j;

	for (i = 0; i < count; i++) {
		batches[i].next = below(i, i < full ? full : count);
		for (j = 0; j < AI_MEM_RING_BATCH_BLOCKS && block < blocks; j++)
			batches[i].blocks[j] = block++;
		batches[i].count = j;
	}
}

/**
 * ai_mem_ring_create() - make the ring of an area, every block free
 * @area: without a ring so far
 *
 * Return: 0, -EINVAL for an area with more blocks than a ring can number, or -ENOMEM.
 */
int ai_mem_ring_create(struct ai_mem_area *area)
{
	struct ai_mem_ring *ring;
	const u64 batches_offset = ALIGN(sizeof(*ring), sizeof(struct ai_mem_ring_batch));
	u64 full, batches, links_offset;

	full = DIV_ROUND_UP_ULL(area->nr_pages, AI_MEM_RING_BATCH_BLOCKS);
	batches = full + AI_MEM_RING_SPARE_BATCHES;
	links_offset = batches_offset + batches * sizeof(struct ai_mem_ring_batch);
	if (links_offset + (u64)area->nr_pages * sizeof(u32) > U32_MAX)
		return -EINVAL;
	area->ring_bytes = PAGE_ALIGN(links_offset + area->nr_pages * sizeof(u32));

	/* Zero: stacks that are not named here are empty, and no block has a link. */
	ring = __vmalloc(area->ring_bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	if (!ring)
		return -ENOMEM;
	ring->version = AI_MEM_ABI_VERSION;
	ring->blocks = area->nr_pages;
	ring->batches = batches;
	ring->batches_offset = batches_offset;
	ring->links_offset = links_offset;
	put_batches((void *)ring + batches_offset, batches, full, area->nr_pages);
	ring->full = 1;
	ring->empty = full + 1;
	ring->magic = AI_MEM_RING_MAGIC;
	area->ring = ring;
	return 0;
}
