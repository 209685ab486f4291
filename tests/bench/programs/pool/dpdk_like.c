// SPDX-License-Identifier: Apache-2.0
/*
 * Peer, written from the published idea of DPDK's mempool: a ring of pointers with heads and tails of its own for producers
 * and consumers, and a cache a thread of 512 pointers that is flushed whole at one and a half times that.
 */
#include <string.h>

#include "subject.h"

typedef void *handle;
typedef struct cache context;

#define SLOTS 65536u
#define CACHE_SIZE 512u
#define CACHE_MAX (CACHE_SIZE * 2)

struct side {
	_Alignas(128) uint32_t head; /* reserved up to here */
	uint32_t tail;		     /* done up to here */
};

static struct {
	struct side producer, consumer;
	_Alignas(128) void *slots[SLOTS];
} ring;

/* One a thread, in the pool's own memory; its sizes are chosen when a pool is made. */
struct cache {
	_Alignas(128) uint32_t size;
	uint32_t flush_at;
	uint32_t length;
	void *blocks[CACHE_MAX];
};

static inline void pause_cpu(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* Reserve n places of one side, of which `spare` plus the other side's tail are there; their first position. */
static inline uint32_t reserve(struct side *mine, const struct side *other, uint32_t spare, unsigned n)
{
	uint32_t head = __atomic_load_n(&mine->head, __ATOMIC_RELAXED);

	do {
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		uint32_t limit = __atomic_load_n(&other->tail, __ATOMIC_ACQUIRE) + spare;

		check(limit - head >= n, "ring ran empty or full");
	} while (!__atomic_compare_exchange_n(&mine->head, &head, head + n, 0, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return head;
}

/* Publish in the order of the reservations. */
static inline void finish(struct side *mine, uint32_t from, unsigned n)
{
	while (__atomic_load_n(&mine->tail, __ATOMIC_RELAXED) != from)
		pause_cpu();
	__atomic_store_n(&mine->tail, from + n, __ATOMIC_RELEASE);
}

/* The pool's ring is behind a table of operations there, so its code is not part of the caller's. */
static __attribute__((noipa)) void enqueue(void *const *blocks, unsigned n)
{
	uint32_t from = reserve(&ring.producer, &ring.consumer, SLOTS, n);
	uint32_t at = from & (SLOTS - 1), first = SLOTS - at < n ? SLOTS - at : n;

	memcpy(ring.slots + at, blocks, first * sizeof(*blocks));
	memcpy(ring.slots, blocks + first, (n - first) * sizeof(*blocks));
	finish(&ring.producer, from, n);
}

static __attribute__((noipa)) void dequeue(void **blocks, unsigned n)
{
	uint32_t from = reserve(&ring.consumer, &ring.producer, 0, n);
	uint32_t at = from & (SLOTS - 1), first = SLOTS - at < n ? SLOTS - at : n;

	memcpy(blocks, ring.slots + at, first * sizeof(*blocks));
	memcpy(blocks + first, ring.slots, (n - first) * sizeof(*blocks));
	finish(&ring.consumer, from, n);
}

static inline void pool_start(void)
{
	for (uint32_t i = 0; i < POOL_BLOCKS; i++) {
		void *block = address_of(i);

		enqueue(&block, 1);
	}
}

static inline context *pool_thread_start(void)
{
	context *own = aligned_alloc(128, sizeof(*own));

	check(own != NULL, "cache");
	own->size = CACHE_SIZE;
	own->flush_at = CACHE_SIZE * 3 / 2;
	own->length = 0;
	return own;
}

static inline void pool_thread_end(context *own)
{
	if (own->length)
		enqueue(own->blocks, own->length);
	free(own);
}

static inline void pool_take(context *own, handle *blocks, unsigned n)
{
	uint32_t length = own->length;

	if (__builtin_expect(length < n, 0)) {
		dequeue(own->blocks + length, n - length + own->size);
		length = n + own->size;
	}
	for (unsigned i = 0; i < n; i++)
		blocks[i] = own->blocks[--length];
	own->length = length;
}

static inline void pool_give(context *own, handle *blocks, unsigned n)
{
	uint32_t length = own->length;

	if (__builtin_expect(length + n > own->flush_at, 0)) {
		enqueue(own->blocks, length);
		length = 0;
	}
	memcpy(own->blocks + length, blocks, n * sizeof(*blocks));
	own->length = length + n;
}

#include "method.h"
