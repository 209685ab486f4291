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

/*
 * Member numbers count from 1 in links and heads: 0 is the end. The last of @count members ends the
 * stack.
 */
static u32 below(u32 index, u32 count)
{
	return index + 1 < count ? index + 2 : 0;
}

static void put_batches(struct ai_mem_ring *ring, u32 full)
{
	struct ai_mem_ring_batch *batches = (void *)ring + ring->batches_offset;
	u32 batch, i;

	for (batch = 0; batch < ring->batches; batch++) {
		bool is_full = batch < full;

		batches[batch].next = below(batch, is_full ? full : ring->batches);
		batches[batch].count = is_full ? AI_MEM_RING_BATCH_BLOCKS : 0;
		for (i = 0; is_full && i < AI_MEM_RING_BATCH_BLOCKS; i++)
			batches[batch].blocks[i] = batch * AI_MEM_RING_BATCH_BLOCKS + i;
	}
	ring->full = full ? 1 : 0;
	ring->empty = full < ring->batches ? full + 1 : 0;
}

static void put_loose(struct ai_mem_ring *ring, u32 first)
{
	u32 *links = (void *)ring + ring->links_offset;
	u32 block;

	for (block = first; block < ring->blocks; block++)
		links[block] = below(block, ring->blocks);
	ring->loose = first < ring->blocks ? first + 1 : 0;
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
	u64 batches, links_offset;

	batches = DIV_ROUND_UP_ULL(area->nr_pages, AI_MEM_RING_BATCH_BLOCKS) +
		  AI_MEM_RING_SPARE_BATCHES;
	links_offset = batches_offset + batches * sizeof(struct ai_mem_ring_batch);
	if (links_offset + (u64)area->nr_pages * sizeof(u32) > U32_MAX)
		return -EINVAL;
	area->ring_bytes = PAGE_ALIGN(links_offset + area->nr_pages * sizeof(u32));

	ring = vmalloc_user(area->ring_bytes);
	if (!ring)
		return -ENOMEM;
	ring->magic = AI_MEM_RING_MAGIC;
	ring->version = AI_MEM_ABI_VERSION;
	ring->blocks = area->nr_pages;
	ring->batches = batches;
	ring->batches_offset = batches_offset;
	ring->links_offset = links_offset;
	put_batches(ring, ring->blocks / AI_MEM_RING_BATCH_BLOCKS);
	put_loose(ring, rounddown(ring->blocks, AI_MEM_RING_BATCH_BLOCKS));
	area->ring = ring;
	return 0;
}
