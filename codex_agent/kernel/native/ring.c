// SPDX-License-Identifier: Apache-2.0
/*
 * A thread's cache and its exchange with the ring; ring.h says what callers may rely on.
 *
 * An empty cache is filled to half by whole batches, a full one gives its older half away, so a thread that takes and
 * gives around any level comes to the ring only once in many calls. Blocks that do not fill a batch, or find no empty
 * one because dead processes took too many with them, lie as single ones on the loose stack.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "layout.h"
#include "ring.h"
#include "stack.h"

#define BATCH AI_MEM_RING_BATCH_BLOCKS
#define EXCHANGE_MAX (CODEX_RING_CACHE_BLOCKS / 2 / BATCH)
/* A cache holds at most this part of the ring, but two batches always. */
#define CACHE_SHARE 32
/* Attempts to count a ring that others change. */
#define COUNT_ATTEMPTS 1000

_Static_assert(CODEX_RING_CACHE_BLOCKS % (2 * BATCH) == 0, "half a cache is whole batches");

/* What a child needs after fork() lies before the cache, on a page that is not wiped. */
struct owner {
	struct layout at;
	void *pages;
	size_t bytes;
	uint32_t exchange; /* batches exchanged at once */
};

static struct owner *owner_of(struct codex_ring_cache *cache)
{
	return (struct owner *)(void *)cache - 1;
}

static void start(struct codex_ring_cache *cache)
{
	const struct owner *own = owner_of(cache);

	cache->count = 0;
	cache->limit = 2 * BATCH * own->exchange;
	cache->range = own->at.block_count;
}

struct codex_ring_cache *codex_ring_cache_new(void *ring, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t wiped = (sizeof(struct codex_ring_cache) + page - 1) & ~(page - 1);
	struct codex_ring_cache *cache;
	struct layout at;
	struct owner *own;
	void *pages;
	int error = layout_read(&at, ring, bytes);

	if (error) {
		errno = -error;
		return NULL;
	}
	pages = mmap(NULL, page + wiped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return NULL;
	cache = (void *)((char *)pages + page);
	if (madvise(cache, wiped, MADV_WIPEONFORK)) {
		error = errno;
		munmap(pages, page + wiped);
		errno = error;
		return NULL;
	}
	own = owner_of(cache);
	own->at = at;
	own->pages = pages;
	own->bytes = page + wiped;
	own->exchange = at.block_count / CACHE_SHARE / (2 * BATCH);
	if (own->exchange < 1)
		own->exchange = 1;
	if (own->exchange > EXCHANGE_MAX)
		own->exchange = EXCHANGE_MAX;
	start(cache);
	return cache;
}

static int intact(const struct layout *at)
{
	return SHARED_READ(at->ring->magic) == AI_MEM_RING_MAGIC &&
	       SHARED_READ(at->ring->version) == AI_MEM_ABI_VERSION;
}

/* Copy a batch that this thread holds to private memory: how many numbers, or -EUCLEAN and nothing to be used. */
static long unpack(const struct layout *at, uint32_t member, uint32_t *blocks)
{
	const struct ai_mem_ring_batch *batch = at->batches + member;
	uint32_t count = SHARED_READ(batch->count);
	uint32_t wrong = 0;

	if (count == 0 || count > BATCH)
		return -EUCLEAN;
	for (uint32_t i = 0; i < count; i++) {
		blocks[i] = SHARED_READ(batch->blocks[i]);
		wrong |= blocks[i] >= at->block_count;
	}
	return wrong ? -EUCLEAN : (long)count;
}

static void pack(const struct layout *at, uint32_t member, const uint32_t *blocks)
{
	struct ai_mem_ring_batch *batch = at->batches + member;

	for (uint32_t i = 0; i < BATCH; i++)
		SHARED_WRITE(batch->blocks[i], blocks[i]);
	SHARED_WRITE(batch->count, BATCH);
}

/* Fill an empty cache to half: how many numbers came, or -EUCLEAN. A batch that is corrupt stays out of use. */
static long fill(struct codex_ring_cache *cache)
{
	const struct owner *own = owner_of(cache);
	const struct stack full = stack_full(&own->at), empty = stack_empty(&own->at);
	const struct stack loose = stack_loose(&own->at);
	uint32_t held[EXCHANGE_MAX], good = 0;
	long found, count, corrupt = 0;

	if (!intact(&own->at))
		return -EUCLEAN;
	found = stack_pop(&full, held, own->exchange);
	if (found < 0)
		return found;
	for (long i = 0; i < found; i++) {
		count = unpack(&own->at, held[i], cache->blocks + cache->count);
		if (count < 0) {
			corrupt = count;
			continue;
		}
		cache->count += (uint32_t)count;
		held[good++] = held[i];
	}
	if (good)
		stack_push(&empty, held, good);
	if (found == 0) {
		found = stack_pop(&loose, cache->blocks, cache->limit / 2);
		if (found < 0)
			return found;
		cache->count = (uint32_t)found;
	}
	return cache->count ? (long)cache->count : corrupt;
}

/* Return the `count` oldest blocks of the cache to the ring: how many, or -EUCLEAN. */
static long spill(struct codex_ring_cache *cache, uint32_t count)
{
	const struct owner *own = owner_of(cache);
	const struct stack full = stack_full(&own->at), empty = stack_empty(&own->at);
	const struct stack loose = stack_loose(&own->at);
	uint32_t held[EXCHANGE_MAX], want = count / BATCH, done = 0;
	long found = 0;

	if (!intact(&own->at))
		return -EUCLEAN;
	if (want > EXCHANGE_MAX)
		want = EXCHANGE_MAX;
	if (want)
		found = stack_pop(&empty, held, want);
	if (found < 0)
		return found;
	for (long i = 0; i < found; i++, done += BATCH)
		pack(&own->at, held[i], cache->blocks + done);
	if (found)
		stack_push(&full, held, (uint32_t)found);
	if (done == 0) {
		stack_push(&loose, cache->blocks, count);
		done = count;
	}
	cache->count -= done;
	memmove(cache->blocks, cache->blocks + done, cache->count * sizeof(*cache->blocks));
	return done;
}

long codex_ring_take(struct codex_ring_cache *cache, uint32_t *blocks, size_t n)
{
	size_t taken = 0;

	if (__builtin_expect(cache->range == 0, 0))
		start(cache);
	for (;;) {
		size_t left = n - taken;
		uint32_t part = left < cache->count ? (uint32_t)left : cache->count;

		cache->count -= part;
		memcpy(blocks + taken, cache->blocks + cache->count, part * sizeof(*blocks));
		taken += part;
		if (taken == n)
			return (long)taken;
		long found = fill(cache);

		if (found <= 0)
			return taken ? (long)taken : found;
	}
}

long codex_ring_give(struct codex_ring_cache *cache, const uint32_t *blocks, size_t n)
{
	size_t given = 0;
	uint32_t wrong = 0;

	if (__builtin_expect(cache->range == 0, 0))
		start(cache);
	for (size_t i = 0; i < n; i++)
		wrong |= blocks[i] >= cache->range;
	if (wrong)
		return -EINVAL;
	for (;;) {
		size_t left = n - given;
		uint32_t room = cache->limit - cache->count;
		uint32_t part = left < room ? (uint32_t)left : room;

		memcpy(cache->blocks + cache->count, blocks + given, part * sizeof(*blocks));
		cache->count += part;
		given += part;
		if (given == n)
			return (long)given;
		long found = spill(cache, cache->limit / 2);

		if (found < 0)
			return given ? (long)given : found;
	}
}

long codex_ring_cache_flush(struct codex_ring_cache *cache)
{
	long done = 0;

	while (cache->count) {
		long found = spill(cache, cache->count);

		if (found < 0)
			return found;
		done += found;
	}
	return done;
}

void codex_ring_cache_free(struct codex_ring_cache *cache)
{
	struct owner *own;

	if (!cache)
		return;
	own = owner_of(cache);
	/* Blocks that a corrupt ring does not take any more are lost with the ring. */
	(void)codex_ring_cache_flush(cache);
	munmap(own->pages, own->bytes);
}

/* Members below a head, or their blocks when `at` is given; -EUCLEAN for a wrong index or a circle. */
static long count_from(const struct stack *of, uint64_t head, const struct layout *at)
{
	uint32_t top = (uint32_t)head, members = 0;
	long blocks = 0;

	while (top != 0) {
		if (top > of->members || ++members > of->members)
			return -EUCLEAN;
		if (at) {
			uint32_t count = SHARED_READ(at->batches[top - 1].count);

			if (count > BATCH)
				return -EUCLEAN;
			blocks += count;
		}
		top = SHARED_READ(*stack_link(of, top - 1));
	}
	return at ? blocks : (long)members;
}

long codex_ring_free_blocks(struct codex_ring_cache *cache)
{
	const struct owner *own = owner_of(cache);
	const struct stack full = stack_full(&own->at), loose = stack_loose(&own->at);

	if (!intact(&own->at))
		return -EUCLEAN;
	for (int attempt = 0; attempt < COUNT_ATTEMPTS; attempt++) {
		uint64_t full_head = __atomic_load_n(full.head, __ATOMIC_ACQUIRE);
		uint64_t loose_head = __atomic_load_n(loose.head, __ATOMIC_ACQUIRE);
		long in_full = count_from(&full, full_head, &own->at);
		long in_loose = count_from(&loose, loose_head, NULL);

		/* What was counted stood still if both heads, tags included, are what they were. */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (full_head != __atomic_load_n(full.head, __ATOMIC_RELAXED) ||
		    loose_head != __atomic_load_n(loose.head, __ATOMIC_RELAXED))
			continue;
		if (in_full < 0 || in_loose < 0)
			return in_full < 0 ? in_full : in_loose;
		return in_full + in_loose + cache->count;
	}
	return -EAGAIN;
}
