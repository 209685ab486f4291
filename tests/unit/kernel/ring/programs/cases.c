// SPDX-License-Identifier: Apache-2.0
/* One process, case by case: sizes, exhaustion, bulk, wrong arguments, and every kind of corruption alone. */
#include "common.h"

static const uint32_t sizes[] = { 1, 2, 29, 30, 31, 60, 61, 1000, 4096, 65535, 65536, 65537 };

/* All blocks once each, then none; all back, and all there again. */
static void exhaustion(uint32_t count, size_t bulk)
{
	struct shared_ring ring = guarded_ring(count);
	struct codex_ring_cache *cache = new_cache(&ring);
	uint32_t *blocks = calloc(count + bulk, sizeof(*blocks)), taken = 0;
	char *seen = calloc(count, 1);
	long found;

	CHECK(blocks && seen && codex_ring_free_blocks(cache) == (long)count);
	while ((found = codex_ring_take(cache, blocks + taken, bulk)) > 0)
		taken += (uint32_t)found;
	CHECK(found == 0 && taken == count && codex_ring_free_blocks(cache) == 0);
	CHECK(codex_ring_take_one(cache, blocks + taken) == 0);
	for (uint32_t i = 0; i < count; i++)
		CHECK(blocks[i] < count && !seen[blocks[i]]++);
	for (uint32_t i = 0; i < count; i += (uint32_t)bulk) {
		size_t part = count - i < bulk ? count - i : bulk;

		CHECK(codex_ring_give(cache, blocks + i, part) == (long)part);
		CHECK(codex_ring_free_blocks(cache) == (long)(i + part));
	}
	CHECK(codex_ring_cache_flush(cache) >= 0 && cache->count == 0 && cache->spare == 0);
	CHECK(codex_ring_free_blocks(cache) == (long)count);
	codex_ring_cache_free(cache);
	free(blocks);
	free(seen);
}

static uint32_t length_of(const struct ai_mem_ring *header, uint64_t head)
{
	const struct ai_mem_ring_batch *batches = (const void *)((const char *)header + header->batches_offset);
	uint32_t length = 0;

	for (uint32_t at = (uint32_t)head; at; at = batches[at - 1].next)
		length++;
	return length;
}

/* No batch is lost on the way, and every change of a stack raises its tag, which is what tells a reused head. */
static void batches_and_tags(void)
{
	struct shared_ring ring = guarded_ring(30000);
	struct ai_mem_ring *header = ring.at;
	/* One that only takes, and so keeps empty batches, and one that only gives. */
	struct codex_ring_cache *taker = new_cache(&ring), *giver = new_cache(&ring);
	static uint32_t blocks[30000];
	uint64_t seen[3] = { header->full >> 32, header->empty >> 32, header->loose >> 32 };
	uint64_t batches = header->batches, head[3];

	for (int round = 0; round < 200; round++) {
		uint32_t tops[3] = { (uint32_t)header->full, (uint32_t)header->empty, (uint32_t)header->loose };
		uint32_t n = 1 + (uint32_t)round * 149;

		CHECK(codex_ring_take(taker, blocks, n) == n && taker->spare > 0);
		CHECK(codex_ring_cache_flush(taker) >= 0 && taker->spare == 0);
		CHECK(codex_ring_give(giver, blocks, n) == n && codex_ring_cache_flush(giver) > 0);
		head[0] = header->full;
		head[1] = header->empty;
		head[2] = header->loose;
		CHECK(head[0] >> 32 >= seen[0] + 1);
		for (int i = 0; i < 3; i++) {
			CHECK(head[i] >> 32 > seen[i] || tops[i] == (uint32_t)head[i]);
			seen[i] = head[i] >> 32;
		}
		CHECK(length_of(header, head[0]) + length_of(header, head[1]) == batches);
	}
	codex_ring_cache_free(taker);
	codex_ring_cache_free(giver);
}

/* Without an empty batch blocks lie singly, none is lost, and batches that come back are used again. */
static void no_empty_batch(void)
{
	struct shared_ring ring = guarded_ring(5000);
	struct ai_mem_ring *header = ring.at;
	struct codex_ring_cache *cache = new_cache(&ring);
	static uint32_t blocks[5000];

	CHECK(codex_ring_take(cache, blocks, 5000) == 5000);
	header->empty = 0;
	cache->spare = 0;
	for (int round = 0; round < 3; round++) {
		CHECK(codex_ring_give(cache, blocks, 5000) == 5000 && codex_ring_cache_flush(cache) >= 0);
		CHECK((uint32_t)header->loose != 0 && (uint32_t)header->full == 0);
		CHECK(codex_ring_free_blocks(cache) == 5000);
		CHECK(codex_ring_take(cache, blocks, 5000) == 5000);
	}
	codex_ring_cache_free(cache);
}

static void wrong_arguments(void)
{
	struct shared_ring ring = guarded_ring(100);
	struct codex_ring_cache *cache = new_cache(&ring);
	uint32_t bad[40] = { 0 }, block;

	CHECK(codex_ring_bytes(0) == 0 && codex_ring_bytes(UINT32_MAX) == 0);
	CHECK(codex_ring_check(NULL, 4096) == -EINVAL && codex_ring_check((char *)ring.at + 4, 4096) == -EINVAL);
	CHECK(codex_ring_check(ring.at, 0) == -EUCLEAN && codex_ring_check(ring.at, 511) == -EUCLEAN);
	CHECK(codex_ring_check(ring.at, ring.bytes) == 0);
	errno = 0;
	CHECK(!codex_ring_cache_new(NULL, 4096) && errno == EINVAL);
	CHECK(!codex_ring_cache_new(ring.at, 100) && errno == EUCLEAN);
	CHECK(codex_ring_take(cache, &block, 0) == 0 && codex_ring_give(cache, &block, 0) == 0);
	/* One number out of range at any place: none is given. */
	for (size_t at = 0; at < 40; at++)
		for (int kind = 0; kind < 3; kind++) {
			bad[at] = (uint32_t[]){ 100, UINT32_MAX, 0x80000000u }[kind];
			CHECK(codex_ring_give(cache, bad, 40) == -EINVAL);
			CHECK(codex_ring_give_inline(cache, bad, 40) == -EINVAL);
			CHECK(codex_ring_give_one(cache, bad[at]) == -EINVAL);
			bad[at] = 0;
		}
	CHECK(cache->count == 0 && codex_ring_free_blocks(cache) == 100);
	codex_ring_cache_free(cache);
	codex_ring_cache_free(NULL);
}

enum place { MAGIC, VERSION, BLOCKS, BATCHES, BATCHES_OFFSET, LINKS_OFFSET, PLACES };

/* A header that leads out of the mapping, or where parts overlap, is refused before anything is used. */
static void corrupt_header(void)
{
	static const uint32_t values[] = { 0, 1, 4, 63, 448, 512, 4096, 0x7fffffff, 0x80000000, 0xfffffff8, UINT32_MAX };
	struct shared_ring ring = guarded_ring(1000);
	uint32_t *header = ring.at;

	for (int at = 0; at < PLACES; at++)
		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
			uint32_t good = header[at];
			/* Fewer members than there is room for are no danger, nor batches that begin earlier. */
			int harmless = values[i] == good || (at == BATCHES_OFFSET && values[i] == 448) ||
				       ((at == BLOCKS || at == BATCHES) && values[i] > 0 && values[i] < good) ||
				       (at == VERSION && values[i] == AI_MEM_ABI_VERSION);

			header[at] = values[i];
			CHECK(codex_ring_check(ring.at, ring.bytes) == (harmless ? 0 : -EUCLEAN));
			header[at] = good;
		}
}

/* What `spoil` does to a ring is told at the next exchange, by take or by give, and nothing out of range comes. */
static void corrupt(void (*spoil)(struct ai_mem_ring *, struct ai_mem_ring_batch *, uint32_t *), int by_give)
{
	struct shared_ring ring = guarded_ring(3000);
	struct ai_mem_ring *header = ring.at;
	struct codex_ring_cache *cache = new_cache(&ring);
	static uint32_t blocks[3000];
	long found;

	if (by_give)
		CHECK(codex_ring_take(cache, blocks, 2000) == 2000);
	spoil(header, (void *)((char *)ring.at + header->batches_offset),
	      (void *)((char *)ring.at + header->links_offset));
	found = by_give ? codex_ring_give(cache, blocks, 2000) : codex_ring_take(cache, blocks, 1);
	if (found >= 0)
		found = by_give ? codex_ring_give(cache, blocks + found, 2000 - (size_t)found) : found;
	CHECK(found == -EUCLEAN);
	codex_ring_cache_free(cache);
}

#define SPOIL(name, action)                                                                             \
	static void name(struct ai_mem_ring *ring, struct ai_mem_ring_batch *batches, uint32_t *links)  \
	{                                                                                               \
		(void)ring, (void)batches, (void)links;                                                 \
		action;                                                                                 \
	}

SPOIL(magic, ring->magic ^= 1)
SPOIL(version, ring->version++)
SPOIL(head_out, ring->full = ring->batches + 1)
SPOIL(head_far, ring->full = UINT32_MAX)
SPOIL(link_out, batches[0].next = ring->batches + 1)
SPOIL(count_large, batches[0].count = AI_MEM_RING_BATCH_BLOCKS + 1)
SPOIL(count_none, batches[0].count = 0)
SPOIL(block_out, batches[0].blocks[29] = ring->blocks)
SPOIL(block_far, batches[0].blocks[0] = UINT32_MAX)
SPOIL(loose_out, (ring->full = 0, ring->loose = ring->blocks + 1))
SPOIL(loose_link, (ring->full = 0, ring->loose = 1, links[0] = UINT32_MAX))
SPOIL(empty_out, ring->empty = ring->batches + 1)

/* Stacks that run in circles are no endless loop. */
static void circles(void)
{
	struct shared_ring ring = guarded_ring(3000);
	struct ai_mem_ring *header = ring.at;
	struct ai_mem_ring_batch *batches = (void *)((char *)ring.at + header->batches_offset);
	struct codex_ring_cache *cache = new_cache(&ring);
	uint32_t block = UINT32_MAX;

	batches[0].next = 1;
	CHECK(codex_ring_free_blocks(cache) == -EUCLEAN);
	for (int i = 0; i < 10000; i++) {
		long found = codex_ring_take_one(cache, &block);

		CHECK(found == -EUCLEAN || found == 0 || (found == 1 && block < 3000));
	}
	codex_ring_cache_free(cache);
}

int main(void)
{
	void (*told_by_take[])(struct ai_mem_ring *, struct ai_mem_ring_batch *, uint32_t *) = {
		magic, version, head_out, head_far, link_out, count_large, count_none, block_out, block_far,
		loose_out, loose_link,
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		if (sizes[i] <= 1000)
			exhaustion(sizes[i], 1);
		exhaustion(sizes[i], 32);
		exhaustion(sizes[i], 5000);
	}
	batches_and_tags();
	no_empty_batch();
	wrong_arguments();
	corrupt_header();
	for (size_t i = 0; i < sizeof(told_by_take) / sizeof(*told_by_take); i++)
		corrupt(told_by_take[i], 0);
	corrupt(magic, 1);
	corrupt(empty_out, 1);
	circles();
	return 0;
}
