// SPDX-License-Identifier: Apache-2.0
/* A lock-free stack of single blocks with a tag against reuse, and no cache before it. */
#include "subject.h"

typedef void *handle;
typedef void context;

static _Alignas(128) uint64_t top;
static _Alignas(128) uint32_t below[POOL_BLOCKS];

static inline void push(uint32_t block)
{
	uint64_t head = __atomic_load_n(&top, __ATOMIC_RELAXED);

	do {
		__atomic_store_n(below + block, (uint32_t)head, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&top, &head, ((head >> 32) + 1) << 32 | (block + 1), 0,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static inline uint32_t pop(void)
{
	uint64_t head = __atomic_load_n(&top, __ATOMIC_ACQUIRE);
	uint32_t block, next;

	do {
		check((uint32_t)head != 0, "stack ran empty");
		block = (uint32_t)head - 1;
		next = __atomic_load_n(below + block, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&top, &head, ((head >> 32) + 1) << 32 | next, 0,
					      __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	return block;
}

static inline void pool_start(void)
{
	for (uint32_t i = POOL_BLOCKS; i > 0; i--)
		push(i - 1);
}

static inline context *pool_thread_start(void)
{
	return NULL;
}

static inline void pool_thread_end(context *own)
{
	(void)own;
}

static inline void pool_take(context *own, handle *blocks, unsigned n)
{
	(void)own;
	for (unsigned i = 0; i < n; i++)
		blocks[i] = address_of(pop());
}

static inline void pool_give(context *own, handle *blocks, unsigned n)
{
	(void)own;
	for (unsigned i = 0; i < n; i++)
		push(number_of(blocks[i]));
}

#include "method.h"
