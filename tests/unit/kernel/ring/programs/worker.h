/* SPDX-License-Identifier: Apache-2.0 */
/* A user of the ring that takes and gives at random, and marks what it holds, so that no block has two holders unseen. */
#ifndef RING_TEST_WORKER_H
#define RING_TEST_WORKER_H

#include "common.h"

#define HELD_MAX 3000u
#define BULK_MAX 64u

struct worker {
	struct codex_ring_cache *cache;
	uint32_t *holders; /* of each block: 0, or the number of who holds it */
	uint32_t number;
	uint64_t state;
	uint32_t count;
	uint32_t held[HELD_MAX];
};

static inline void worker_take(struct worker *me, uint32_t want)
{
	uint32_t nobody, *part = me->held + me->count;
	long found;

	if (want > HELD_MAX - me->count)
		want = HELD_MAX - me->count;
	found = want == 1 ? codex_ring_take_one(me->cache, part) : codex_ring_take(me->cache, part, want);
	CHECK(found >= 0 && found <= (long)want);
	for (long i = 0; i < found; i++) {
		CHECK(part[i] < me->cache->range);
		nobody = 0;
		CHECK(__atomic_compare_exchange_n(me->holders + part[i], &nobody, me->number, 0,
						  __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	}
	me->count += (uint32_t)found;
}

/* Marks nobody before it gives, so that who takes the block next finds it so. */
static inline void worker_give(struct worker *me, uint32_t want)
{
	uint32_t part[BULK_MAX];

	if (want > me->count)
		want = me->count;
	for (uint32_t i = 0; i < want; i++) {
		uint32_t at = below(&me->state, me->count);

		part[i] = me->held[at];
		me->held[at] = me->held[--me->count];
		CHECK(__atomic_exchange_n(me->holders + part[i], 0, __ATOMIC_RELAXED) == me->number);
	}
	if (want == 1)
		CHECK(codex_ring_give_one(me->cache, *part) == 1);
	else
		CHECK(codex_ring_give(me->cache, part, want) == (long)want);
}

/* One step; what a worker likes to hold wanders, so that caches run both empty and full. */
static inline void worker_step(struct worker *me)
{
	uint32_t wish = (uint32_t)(me->state >> 40) % HELD_MAX;
	uint32_t bulk = below(&me->state, 4) ? 1 : 1 + below(&me->state, BULK_MAX);

	for (int i = 0; i < 50; i++)
		if (me->count <= wish)
			worker_take(me, bulk);
		else
			worker_give(me, bulk);
}

#endif
