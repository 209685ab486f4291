/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes and gives the blocks of one allocation of ai_mem without a system call.
 *
 * The ring is shared memory that any process with a mapping of it can write (layout: codex/ai_mem.h). Each thread that
 * uses it has a cache of its own, which holds block numbers in private memory; only when the cache runs empty or full
 * does it exchange whole batches with the ring, by compare-and-swap, so no process can make another one wait.
 *
 * - A cache belongs to one thread; two threads, or a signal handler and the thread that it interrupts, need two.
 * - Every number that a call returns lies below the ring's number of blocks, whatever others write into the ring. That no
 *   one else holds the block is as true as all users of the ring are honest.
 * - A process that dies takes the blocks in its caches with it, and at most one exchange that was under way.
 *   A cache holds at most 1920 blocks (7.5 MiB) and at most a 32nd of the ring, but always up to 60.
 * - After fork() the child's copies of the caches are empty (MADV_WIPEONFORK), so no block has two owners.
 * - Blocks that lie in one thread's cache are not found by others: a thread that will be idle flushes its cache.
 * - Arrays of numbers that a caller hands over are its own memory, not memory that others write at the same time.
 *
 * Errors are negative errno values: EINVAL for what the caller did wrong, EUCLEAN for a corrupt ring.
 */
#ifndef CODEX_RING_H
#define CODEX_RING_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Most block numbers that a cache holds; a small ring's caches hold less. */
#define CODEX_RING_CACHE_BLOCKS 1920
/* Most empty batches that it holds: for half of its blocks. */
#define CODEX_RING_CACHE_SPARES 32

/* All zero in a child after fork(), which sends the first call there the slow way. */
struct codex_ring_cache {
	/* Not uint32_t: a store of a block number then cannot change them, so loops keep them in registers. */
	uint64_t count; /* numbers in blocks[] */
	uint64_t limit; /* most that it may hold */
	uint64_t range; /* number of blocks of the ring */
	uint64_t spare; /* batches in spares[] */
	uint64_t reserved[4];
	uint32_t blocks[CODEX_RING_CACHE_BLOCKS];
	uint32_t spares[CODEX_RING_CACHE_SPARES];
};

/* Bytes of a ring for so many blocks, whole pages; 0 when there cannot be one (0 blocks, or more than 4 GiB of ring). */
size_t codex_ring_bytes(uint32_t blocks);

/* Write a ring in which all blocks are free into codex_ring_bytes(blocks) bytes that nobody else uses yet. */
void codex_ring_init(void *ring, uint32_t blocks);

/* 0 when the header describes a ring that lies within `bytes`; -EINVAL for no or unaligned memory, else -EUCLEAN. */
int codex_ring_check(const void *ring, size_t bytes);

/* A cache for one thread; NULL with errno (of codex_ring_check, ENOMEM, or EINVAL: no MADV_WIPEONFORK here). */
struct codex_ring_cache *codex_ring_cache_new(void *ring, size_t bytes);

/* Return all that the cache holds to the ring: how many blocks, or -EUCLEAN (the rest stays in the cache). */
long codex_ring_cache_flush(struct codex_ring_cache *cache);

/* Flush and end a cache; in a child after fork() only its own copy ends. The ring must still be mapped. */
void codex_ring_cache_free(struct codex_ring_cache *cache);

/* Take up to n blocks: how many, 0 when none is free; -EUCLEAN when the ring is corrupt and none was taken. */
long codex_ring_take(struct codex_ring_cache *cache, uint32_t *blocks, size_t n);

/*
 * Give n blocks back: how many were given (less than n only when the ring turned out corrupt on the way), -EUCLEAN when none
 * was, -EINVAL when a number is out of range (none was given). What was taken by another thread may be given here.
 */
long codex_ring_give(struct codex_ring_cache *cache, const uint32_t *blocks, size_t n);

/*
 * Free blocks in the ring and in this cache; other threads' caches do not count. -EUCLEAN, or -EAGAIN when others changed
 * the ring so fast that it could not be counted at any one moment.
 */
long codex_ring_free_blocks(struct codex_ring_cache *cache);

/*
 * The slow halves of what follows. Fill an empty cache: how many blocks it holds then, 0 when none is free, or -EUCLEAN.
 * Make room in a full one: how many blocks it still holds, or -EUCLEAN.
 */
long codex_ring_fill(struct codex_ring_cache *cache);
long codex_ring_make_room(struct codex_ring_cache *cache);

/* Take one block, without a call unless the cache is empty: 1, 0 when none is free, or -EUCLEAN. */
static inline long codex_ring_take_one(struct codex_ring_cache *cache, uint32_t *block)
{
	uint64_t count = cache->count;

	if (__builtin_expect(count == 0, 0)) {
		long found = codex_ring_fill(cache);

		if (found <= 0)
			return found;
		count = (uint64_t)found;
	}
	*block = cache->blocks[--count];
	cache->count = count;
	return 1;
}

/* Give one block, without a call unless the cache is full: 1, -EINVAL or -EUCLEAN. */
static inline long codex_ring_give_one(struct codex_ring_cache *cache, uint32_t block)
{
	uint64_t count = cache->count;

	if (__builtin_expect(count == cache->limit, 0)) {
		long left = codex_ring_make_room(cache);

		if (left < 0)
			return left;
		count = (uint64_t)left;
	}
	if (__builtin_expect(block >= cache->range, 0))
		return -EINVAL;
	cache->blocks[count] = block;
	cache->count = count + 1;
	return 1;
}

/*
 * codex_ring_take() and codex_ring_give() without a call while the cache has enough, or room enough. Meant for an n that
 * the compiler knows.
 */
static inline long codex_ring_take_inline(struct codex_ring_cache *cache, uint32_t *blocks, size_t n)
{
	uint64_t count = cache->count;

	if (__builtin_expect(n > count, 0))
		return codex_ring_take(cache, blocks, n);
	count -= n;
	__builtin_memcpy(blocks, cache->blocks + count, n * sizeof(*blocks));
	cache->count = count;
	return (long)n;
}

static inline long codex_ring_give_inline(struct codex_ring_cache *cache, const uint32_t *blocks, size_t n)
{
	uint64_t count = cache->count;
	uint64_t limit = cache->limit;
	uint32_t last = (uint32_t)cache->range - 1;
	uint32_t all = 0;

	/* The top bit is set by a number above the last, by itself or by the borrow; or by any when there is no last. */
	for (size_t i = 0; i < n; i++)
		all |= blocks[i] | (last - blocks[i]);
	if (__builtin_expect(n > limit - count || all >> 31, 0))
		return codex_ring_give(cache, blocks, n);
	__builtin_memcpy(cache->blocks + count, blocks, n * sizeof(*blocks));
	cache->count = count + n;
	return (long)n;
}

#ifdef __cplusplus
}
#endif

#endif
