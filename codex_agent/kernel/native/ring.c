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
_Static_assert(CODEX_RING_CACHE_SPARES == EXCHANGE_MAX, "the batches of one exchange can be kept");

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
	cache->spare = 0;
	cache->limit = 2ul * BATCH * own->exchange;
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

/* Whether all n numbers are below `range`, which is at most INT32_MAX. */
static int in_range(const uint32_t *blocks, size_t n, uint32_t range)
{
	typedef uint32_t four __attribute__((vector_size(16)));
	four all = { 0 };
	uint32_t wrong = 0;
	size_t i = 0;

	/* The top bit comes from the number itself or from the borrow of a number that is too large. */
	for (; i + 4 <= n; i += 4) {
		four part;

		memcpy(&part, blocks + i, sizeof(part));
		all |= part | (range - 1 - part);
	}
	for (; i < n; i++)
		wrong |= blocks[i] | (range - 1 - blocks[i]);
	return !((all[0] | all[1] | all[2] | all[3] | wrong) >> 31);
}

/*
 * Copy the batches that this thread holds to private memory and check the copy: how many numbers, or -EUCLEAN. Nobody
 * else touches a batch that is held, unless he means harm; then the copy is what counts.
 */
static long unpack(const struct layout *at, const uint32_t *held, long batches, uint32_t *blocks)
{
	long found = 0;

	for (long i = 0; i < batches; i++) {
		const struct ai_mem_ring_batch *batch = at->batches + held[i];
		uint32_t count = SHARED_READ(batch->count);

		if (count == 0 || count > BATCH)
			return -EUCLEAN;
		memcpy(blocks + found, batch->blocks, sizeof(batch->blocks));
		found += count;
	}
	COPIED();
	return in_range(blocks, (size_t)found, at->block_count) ? found : -EUCLEAN;
}

static void pack(const struct layout *at, uint32_t member, const uint32_t *blocks)
{
	struct ai_mem_ring_batch *batch = at->batches + member;

	memcpy(batch->blocks, blocks, sizeof(batch->blocks));
	SHARED_WRITE(batch->count, BATCH);
}

/* Keep one exchange's empty batches for what comes back, so that most exchanges change one stack instead of two. */
static void keep_spares(struct codex_ring_cache *cache, const struct stack *empty, const uint32_t *held,
			uint32_t count)
{
	if (cache->spare) {
		stack_push(empty, held, count);
		return;
	}
	memcpy(cache->spares, held, count * sizeof(*held));
	cache->spare = count;
}

/* Get up to `want` empty batches: how many, or -EUCLEAN. */
static long get_empty(struct codex_ring_cache *cache, const struct stack *empty, uint32_t *held,
		      uint32_t want)
{
	uint32_t part = want < cache->spare ? want : (uint32_t)cache->spare;

	if (part == 0)
		return stack_pop(empty, held, want);
	cache->spare -= part;
	memcpy(held, cache->spares + cache->spare, part * sizeof(*held));
	return part;
}

/* Filled to half; what a corrupt exchange held stays out of use. */
long codex_ring_fill(struct codex_ring_cache *cache)
{
	const struct owner *own = owner_of(cache);
	const struct stack full = stack_full(&own->at), empty = stack_empty(&own->at);
	const struct stack loose = stack_loose(&own->at);
	uint32_t held[EXCHANGE_MAX];
	long found, count;

	if (cache->range == 0)
		start(cache);
	if (!intact(&own->at))
		return -EUCLEAN;
	line_prefetch(full.head);
	found = stack_pop(&full, held, own->exchange);
	if (found < 0)
		return found;
	if (found == 0) {
		count = stack_pop(&loose, cache->blocks, own->exchange * BATCH);
	} else {
		count = unpack(&own->at, held, found, cache->blocks);
		if (count > 0)
			keep_spares(cache, &empty, held, (uint32_t)found);
	}
	if (count > 0)
		cache->count = (uint64_t)count;
	return count;
}

/* Return the `count` oldest blocks of the cache to the ring: how many, or -EUCLEAN. */
static long spill(struct codex_ring_cache *cache, uint64_t count)
{
	const struct owner *own = owner_of(cache);
	const struct stack full = stack_full(&own->at), empty = stack_empty(&own->at);
	const struct stack loose = stack_loose(&own->at);
	uint32_t held[EXCHANGE_MAX], done = 0;
	uint64_t want = count / BATCH;
	long found = 0;

	if (!intact(&own->at))
		return -EUCLEAN;
	if (want > EXCHANGE_MAX)
		want = EXCHANGE_MAX;
	line_prefetch(full.head);
	if (want)
		found = get_empty(cache, &empty, held, (uint32_t)want);
	if (found < 0)
		return found;
	for (long i = 0; i < found; i++, done += BATCH)
		pack(&own->at, held[i], cache->blocks + done);
	if (found)
		stack_push(&full, held, (uint32_t)found);
	if (done == 0) {
		done = (uint32_t)count;
		stack_push(&loose, cache->blocks, done);
	}
	cache->count -= done;
	memmove(cache->blocks, cache->blocks + done, cache->count * sizeof(*cache->blocks));
	return done;
}

long codex_ring_make_room(struct codex_ring_cache *cache)
{
	long done;

	if (cache->range == 0) {
		start(cache);
		return 0;
	}
	done = spill(cache, cache->limit / 2);
	return done < 0 ? done : (long)cache->count;
}

long codex_ring_take(struct codex_ring_cache *cache, uint32_t *blocks, size_t n)
{
	size_t taken = 0;

	for (;;) {
		size_t left = n - taken;
		size_t part = left < cache->count ? left : cache->count;

		cache->count -= part;
		memcpy(blocks + taken, cache->blocks + cache->count, part * sizeof(*blocks));
		taken += part;
		if (taken == n)
			return (long)taken;
		long found = codex_ring_fill(cache);

		if (found <= 0)
			return taken ? (long)taken : found;
	}
}

long codex_ring_give(struct codex_ring_cache *cache, const uint32_t *blocks, size_t n)
{
	size_t given = 0;

	if (__builtin_expect(cache->range == 0, 0))
		start(cache);
	if (!in_range(blocks, n, (uint32_t)cache->range))
		return -EINVAL;
	for (;;) {
		size_t left = n - given;
		size_t room = cache->limit - cache->count;
		size_t part = left < room ? left : room;

		memcpy(cache->blocks + cache->count, blocks + given, part * sizeof(*blocks));
		cache->count += part;
		given += part;
		if (given == n)
			return (long)given;
		long found = codex_ring_make_room(cache);

		if (found < 0)
			return given ? (long)given : found;
	}
}

long codex_ring_cache_flush(struct codex_ring_cache *cache)
{
	const struct owner *own = owner_of(cache);
	const struct stack empty = stack_empty(&own->at);
	long done = 0;

	while (cache->count) {
		long found = spill(cache, cache->count);

		if (found < 0)
			return found;
		done += found;
	}
	if (cache->spare)
		stack_push(&empty, cache->spares, (uint32_t)cache->spare);
	cache->spare = 0;
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

/*
 * Members below a head, or their blocks when `at` is given; -EUCLEAN for a wrong index or a circle. Each read comes before
 * the caller's next look at the head.
 */
static long count_from(const struct stack *of, uint64_t head, const struct layout *at)
{
	uint32_t top = (uint32_t)head, members = 0;
	long blocks = 0;

	while (top != 0) {
		if (top > of->members || ++members > of->members)
			return -EUCLEAN;
		if (at) {
			uint32_t count = __atomic_load_n(&at->batches[top - 1].count,
							 __ATOMIC_ACQUIRE);

			if (count > BATCH)
				return -EUCLEAN;
			blocks += count;
		}
		top = __atomic_load_n(stack_link(of, top - 1), __ATOMIC_ACQUIRE);
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
		if (full_head != __atomic_load_n(full.head, __ATOMIC_RELAXED) ||
		    loose_head != __atomic_load_n(loose.head, __ATOMIC_RELAXED))
			continue;
		if (in_full < 0 || in_loose < 0)
			return in_full < 0 ? in_full : in_loose;
		return in_full + in_loose + (long)cache->count;
	}
	return -EAGAIN;
}
