// SPDX-License-Identifier: Apache-2.0
/* Size, first content and check of a ring. The kernel module writes the same content when it makes one. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "layout.h"
#include "ring.h"

#define PAGE_BYTES 4096u
#define BATCH AI_MEM_RING_BATCH_BLOCKS
/* Batches start at a multiple of their own size, so that none crosses more cache lines than it must. */
#define BATCHES_OFFSET 512u

_Static_assert(sizeof(struct ai_mem_ring_batch) == 128, "a batch is two cache lines");
_Static_assert(sizeof(struct ai_mem_ring) <= BATCHES_OFFSET, "the header lies before the batches");

static uint64_t batches_of(uint32_t blocks)
{
	return (uint64_t)blocks / BATCH + (blocks % BATCH != 0) + AI_MEM_RING_SPARE_BATCHES;
}

static uint64_t links_offset(uint32_t blocks)
{
	return BATCHES_OFFSET + batches_of(blocks) * sizeof(struct ai_mem_ring_batch);
}

size_t codex_ring_bytes(uint32_t blocks)
{
	uint64_t end = links_offset(blocks) + blocks * (uint64_t)sizeof(uint32_t);

	end = (end + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
	return blocks == 0 || end > UINT32_MAX ? 0 : end;
}

/* 1 + the member below `at` on a stack of neighbours of which the last is number end - 1. */
static uint32_t below(uint32_t at, uint32_t end)
{
	return at + 1 < end ? at + 2 : 0;
}

void codex_ring_init(void *ring, uint32_t blocks)
{
	struct ai_mem_ring *header = ring;
	struct ai_mem_ring_batch *batches;
	size_t bytes = codex_ring_bytes(blocks);
	uint32_t full, block = 0;

	if (bytes == 0)
		return;
	/* Zero: the loose stack is empty, and no block has a link. */
	memset(ring, 0, bytes);
	header->version = AI_MEM_ABI_VERSION;
	header->blocks = blocks;
	header->batches = (uint32_t)batches_of(blocks);
	header->batches_offset = BATCHES_OFFSET;
	header->links_offset = (uint32_t)links_offset(blocks);
	full = header->batches - AI_MEM_RING_SPARE_BATCHES;
	batches = (void *)((char *)ring + BATCHES_OFFSET);
	for (uint32_t at = 0; at < header->batches; at++) {
		uint32_t count = 0;

		/* The last of the full ones may have fewer than fit. */
		while (count < BATCH && block < blocks)
			batches[at].blocks[count++] = block++;
		batches[at].count = count;
		batches[at].next = below(at, at < full ? full : header->batches);
	}
	header->full = 1;
	header->empty = full + 1;
	/* Whoever sees the magic number sees all that was written before it. */
	__atomic_store_n(&header->magic, AI_MEM_RING_MAGIC, __ATOMIC_RELEASE);
}

/* Whether `count` members of `size` bytes lie at `offset` between the header and the end. */
static int fits(uint64_t offset, uint64_t count, uint64_t size, uint64_t alignment, uint64_t end)
{
	return offset >= sizeof(struct ai_mem_ring) && offset % alignment == 0 &&
	       offset + count * size <= end;
}

int layout_read(struct layout *to, void *ring, size_t bytes)
{
	struct ai_mem_ring *header = ring;
	uint64_t batches_at, links_at, batches_end, links_end;

	if (!ring || (uintptr_t)ring % sizeof(uint64_t))
		return -EINVAL;
	if (bytes < sizeof(*header))
		return -EUCLEAN;
	if (__atomic_load_n(&header->magic, __ATOMIC_ACQUIRE) != AI_MEM_RING_MAGIC ||
	    SHARED_READ(header->version) != AI_MEM_ABI_VERSION)
		return -EUCLEAN;
	to->ring = header;
	to->block_count = SHARED_READ(header->blocks);
	to->batch_count = SHARED_READ(header->batches);
	batches_at = SHARED_READ(header->batches_offset);
	links_at = SHARED_READ(header->links_offset);
	if (to->block_count == 0 || to->block_count > INT32_MAX || to->batch_count == 0 ||
	    to->batch_count > INT32_MAX)
		return -EUCLEAN;
	if (!fits(batches_at, to->batch_count, sizeof(*to->batches), sizeof(uint64_t), bytes) ||
	    !fits(links_at, to->block_count, sizeof(*to->links), sizeof(uint32_t), bytes))
		return -EUCLEAN;
	batches_end = batches_at + to->batch_count * (uint64_t)sizeof(*to->batches);
	links_end = links_at + to->block_count * (uint64_t)sizeof(*to->links);
	if (batches_at < links_end && links_at < batches_end)
		return -EUCLEAN;
	to->batches = (void *)((char *)ring + batches_at);
	to->links = (void *)((char *)ring + links_at);
	return 0;
}

int codex_ring_check(const void *ring, size_t bytes)
{
	struct layout found;

	return layout_read(&found, (void *)(uintptr_t)ring, bytes);
}
