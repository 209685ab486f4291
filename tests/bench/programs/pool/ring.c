// SPDX-License-Identifier: Apache-2.0
/* Ours: the free ring in a shared mapping, one cache a thread; blocks are named by number (or by address, -DADDRESSES). */
#include <sys/mman.h>

#include "ring.h"
#include "subject.h"

static void *ring;
static size_t ring_bytes;
typedef struct codex_ring_cache context;

#ifdef ADDRESSES
typedef void *handle;
#else
typedef uint32_t handle;
#endif

static inline void pool_start(void)
{
	ring_bytes = codex_ring_bytes(POOL_BLOCKS);
	ring = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(ring != MAP_FAILED, "ring");
	codex_ring_init(ring, POOL_BLOCKS);
}

static inline context *pool_thread_start(void)
{
	context *own = codex_ring_cache_new(ring, ring_bytes);

	check(own != NULL, "cache");
	return own;
}

static inline void pool_thread_end(context *own)
{
	codex_ring_cache_free(own);
}

#ifdef ADDRESSES
static inline void pool_take(context *own, handle *blocks, unsigned n)
{
	uint32_t numbers[BULK_MAX];

	check((n == 1 ? codex_ring_take_one(own, numbers) :
			codex_ring_take_inline(own, numbers, n)) == n, "take");
	for (unsigned i = 0; i < n; i++)
		blocks[i] = address_of(numbers[i]);
}

static inline void pool_give(context *own, const handle *blocks, unsigned n)
{
	uint32_t numbers[BULK_MAX];

	for (unsigned i = 0; i < n; i++)
		numbers[i] = number_of(blocks[i]);
	check((n == 1 ? codex_ring_give_one(own, *numbers) :
			codex_ring_give_inline(own, numbers, n)) == n, "give");
}
#else
static inline void pool_take(context *own, handle *blocks, unsigned n)
{
	check((n == 1 ? codex_ring_take_one(own, blocks) :
			codex_ring_take_inline(own, blocks, n)) == n, "take");
}

static inline void pool_give(context *own, const handle *blocks, unsigned n)
{
	check((n == 1 ? codex_ring_give_one(own, *blocks) :
			codex_ring_give_inline(own, blocks, n)) == n, "give");
}
#endif

#include "method.h"
