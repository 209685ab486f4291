// SPDX-License-Identifier: Apache-2.0
/*
 * Processes that share a ring and are killed at random moments: no block has two holders, the others go on, and no more
 * is lost than the dead held, had in their caches and had in hand. Prints what was lost.
 */
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "worker.h"

#define PROCESSES 4u

static struct shared_ring ring;
static uint32_t *holders;
static uint32_t *steps_done;

static pid_t start(uint32_t number)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		static struct worker me;

		me.cache = new_cache(&ring);
		me.holders = holders;
		me.number = number;
		me.state = 0x9e3779b97f4a7c15u * number;
		for (;;) {
			worker_step(&me);
			__atomic_fetch_add(steps_done, 1, __ATOMIC_RELAXED);
		}
	}
	return child;
}

static uint32_t end(pid_t child, uint32_t number, uint32_t blocks)
{
	uint32_t held = 0;
	int status;

	CHECK(!kill(child, SIGKILL) && waitpid(child, &status, 0) == child);
	/* Anything else is a check of the worker's that failed. */
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	for (uint32_t i = 0; i < blocks; i++)
		held += __atomic_load_n(holders + i, __ATOMIC_RELAXED) == number;
	return held;
}

int main(int argc, char **argv)
{
	uint32_t blocks = argc == 3 ? (uint32_t)atoi(argv[1]) : 0, kills = argc == 3 ? (uint32_t)atoi(argv[2]) : 0;
	uint32_t number = 0, held = 0, found = 0, *rest = calloc(blocks, sizeof(*rest));
	uint64_t state = 42;
	pid_t children[PROCESSES];
	uint32_t numbers[PROCESSES];
	struct codex_ring_cache *cache;
	uint64_t bound;

	CHECK(blocks > 0 && kills > PROCESSES && rest);
	ring = guarded_ring(blocks);
	holders = shared_memory((blocks + 1) * sizeof(*holders));
	steps_done = holders + blocks;
	cache = new_cache(&ring);
	for (unsigned i = 0; i < PROCESSES; i++)
		children[i] = start(numbers[i] = ++number);
	for (uint32_t i = 0; i < kills - PROCESSES; i++) {
		struct timespec nap = { 0, 100000 + below(&state, 3000000) };
		unsigned victim = below(&state, PROCESSES);
		uint32_t before = __atomic_load_n(steps_done, __ATOMIC_RELAXED);

		nanosleep(&nap, NULL);
		held += end(children[victim], numbers[victim], blocks);
		children[victim] = start(numbers[victim] = ++number);
		/* The others go on, whatever the dead one was doing. */
		while (__atomic_load_n(steps_done, __ATOMIC_RELAXED) == before)
			sched_yield();
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		held += end(children[i], numbers[i], blocks);

	/* What is left comes out once each, and nobody holds it. */
	for (long more; (more = codex_ring_take(cache, rest + found, blocks - found)) != 0;) {
		CHECK(more > 0);
		found += (uint32_t)more;
	}
	for (uint32_t i = 0; i < found; i++)
		CHECK(__atomic_exchange_n(holders + rest[i], UINT32_MAX, __ATOMIC_RELAXED) == 0);
	bound = (uint64_t)kills * (cache->limit + BULK_MAX);
	printf("{\"blocks\": %u, \"kills\": %u, \"found\": %u, \"held\": %u, \"bound\": %llu}\n", blocks, kills,
	       found, held, (unsigned long long)bound);
	CHECK(found + held <= blocks && blocks - found - held <= bound);
	codex_ring_cache_free(cache);
	free(rest);
	return 0;
}
