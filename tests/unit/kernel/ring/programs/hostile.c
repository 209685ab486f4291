// SPDX-License-Identifier: Apache-2.0
/*
 * A process writes nonsense into the ring while others take and give: they get numbers in range, or EUCLEAN; none crashes,
 * and none touches the pages around the mapping. Prints how often which happened.
 */
#include <sched.h>
#include <signal.h>

#include "common.h"

#define VICTIMS 2u
#define BULK 50u

static struct shared_ring ring;

static void use(uint64_t state, unsigned steps, uint64_t *counts)
{
	struct codex_ring_cache *cache = codex_ring_cache_new(ring.at, ring.bytes);
	uint32_t held[20 * BULK], count = 0;

	for (unsigned i = 0; i < steps; i++) {
		uint32_t n = 1 + below(&state, BULK);
		long found;

		if (!cache || i % 500 == 499) {
			codex_ring_cache_free(cache);
			cache = codex_ring_cache_new(ring.at, ring.bytes);
			CHECK(cache || errno == EUCLEAN);
			count = 0;
			sched_yield();
			continue;
		}
		if (i % 100 == 0) {
			found = codex_ring_free_blocks(cache);
			CHECK(found >= 0 || found == -EUCLEAN || found == -EAGAIN);
		}
		if (count + n <= 20 * BULK && below(&state, 2)) {
			found = codex_ring_take(cache, held + count, n);
			for (long at = 0; at < found; at++)
				CHECK(held[count + at] < cache->range);
			count += found > 0 ? (uint32_t)found : 0;
		} else {
			n = n < count ? n : count;
			found = codex_ring_give(cache, held + count - n, n);
			count -= found > 0 ? (uint32_t)found : 0;
		}
		CHECK(found >= 0 ? found <= (long)n : found == -EUCLEAN);
		counts[found < 0 ? 1 : 0]++;
	}
	codex_ring_cache_free(cache);
}

/* Any value, a small one, or one that means something; where heads and links lie, or anywhere. */
static void scribble(uint64_t *state, uint32_t blocks)
{
	uint32_t words = (uint32_t)(ring.bytes / sizeof(uint32_t)), at = below(state, words), value;
	struct ai_mem_ring *header = ring.at;

	switch (below(state, 8)) {
	case 0:
		at = below(state, sizeof(*header) / sizeof(uint32_t));
		break;
	case 1: {
		uint64_t *heads[] = { (void *)&header->full, (void *)&header->empty, (void *)&header->loose };

		__atomic_store_n(heads[below(state, 3)], chance(state) << 32 | below(state, blocks), __ATOMIC_RELAXED);
		return;
	}
	case 2:
		/* Whole again, so that the next nonsense meets a ring that works. */
		codex_ring_init(ring.at, blocks);
		return;
	}
	switch (below(state, 3)) {
	case 0:
		value = (uint32_t)chance(state);
		break;
	case 1:
		value = below(state, 64);
		break;
	default:
		value = below(state, blocks + 2);
	}
	__atomic_store_n((uint32_t *)ring.at + at, value, __ATOMIC_RELAXED);
}

int main(int argc, char **argv)
{
	uint32_t blocks = argc == 3 ? (uint32_t)atoi(argv[1]) : 0;
	uint64_t *counts = shared_memory(VICTIMS * 2 * sizeof(*counts));
	pid_t vandal, victims[VICTIMS];
	uint64_t good = 0, corrupt = 0;
	int status;

	CHECK(blocks > 0);
	ring = guarded_ring(blocks);
	vandal = fork();
	CHECK(vandal >= 0);
	if (vandal == 0)
		for (uint64_t state = 7;; sched_yield())
			for (int i = 0; i < 40; i++)
				scribble(&state, blocks);
	for (unsigned i = 0; i < VICTIMS; i++) {
		victims[i] = fork();
		CHECK(victims[i] >= 0);
		if (victims[i] == 0) {
			use(i + 1, (unsigned)atoi(argv[2]), counts + 2 * i);
			exit(0);
		}
	}
	for (unsigned i = 0; i < VICTIMS; i++) {
		join(victims[i]);
		good += counts[2 * i];
		corrupt += counts[2 * i + 1];
	}
	CHECK(!kill(vandal, SIGKILL) && waitpid(vandal, &status, 0) == vandal && WIFSIGNALED(status));
	CHECK(WTERMSIG(status) == SIGKILL);
	printf("{\"good\": %llu, \"corrupt\": %llu}\n", (unsigned long long)good, (unsigned long long)corrupt);
	return 0;
}
