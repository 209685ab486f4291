// SPDX-License-Identifier: Apache-2.0
/* Threads that take and give at random: no block has two holders, and at the end none is missing. */
#include <pthread.h>

#include "worker.h"

#define THREADS 4u

static struct shared_ring ring;
static uint32_t *holders;
static unsigned steps;

static void *work(void *number)
{
	struct worker *me = calloc(1, sizeof(*me));

	CHECK(me != NULL);
	me->cache = new_cache(&ring);
	me->holders = holders;
	me->number = (uint32_t)(uintptr_t)number;
	me->state = 0x9e3779b97f4a7c15u * me->number;
	for (unsigned i = 0; i < steps; i++) {
		long counted = i % 64 ? 0 : codex_ring_free_blocks(me->cache);

		CHECK(counted >= 0 || counted == -EAGAIN);
		worker_step(me);
	}
	while (me->count)
		worker_give(me, BULK_MAX);
	codex_ring_cache_free(me->cache);
	free(me);
	return NULL;
}

int main(int argc, char **argv)
{
	uint32_t blocks = argc == 3 ? (uint32_t)atoi(argv[1]) : 0;
	struct codex_ring_cache *cache;
	pthread_t threads[THREADS];

	CHECK(blocks > 0);
	steps = (unsigned)atoi(argv[2]);
	ring = guarded_ring(blocks);
	holders = shared_memory(blocks * sizeof(*holders));
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(threads + i, NULL, work, (void *)(i + 1)));
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	cache = new_cache(&ring);
	CHECK(codex_ring_free_blocks(cache) == (long)blocks);
	codex_ring_cache_free(cache);
	return 0;
}
