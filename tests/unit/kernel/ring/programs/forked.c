// SPDX-License-Identifier: Apache-2.0
/* After fork() the child's caches are empty: parent and child never take the same block, and nothing is lost. */
#include "common.h"

static uint32_t take_all(struct codex_ring_cache *cache, uint32_t *blocks, uint32_t *holders, uint32_t number)
{
	uint32_t count = 0, nobody;

	while (codex_ring_take_one(cache, blocks + count) == 1) {
		nobody = 0;
		CHECK(__atomic_compare_exchange_n(holders + blocks[count], &nobody, number, 0, __ATOMIC_RELAXED,
						  __ATOMIC_RELAXED));
		count++;
	}
	return count;
}

int main(int argc, char **argv)
{
	uint32_t count = argc == 2 ? (uint32_t)atoi(argv[1]) : 0, mine, others, first;
	siginfo_t ended;
	struct shared_ring ring = guarded_ring(count);
	uint32_t *holders = shared_memory((count + 1) * sizeof(*holders)), *blocks = calloc(count + 1, sizeof(*blocks));
	struct codex_ring_cache *cache = new_cache(&ring);
	pid_t child;

	/* A cache that holds blocks and spare batches. */
	CHECK(blocks && codex_ring_take(cache, blocks, 10) == 10 && cache->count > 0 && cache->spare > 0);
	CHECK(codex_ring_give(cache, blocks, 10) == 10);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK(cache->count == 0 && cache->spare == 0);
		/* The first call may be any. */
		CHECK(codex_ring_give_one(cache, count) == -EINVAL);
		CHECK(codex_ring_take_one(cache, &first) == 1);
		__atomic_store_n(holders + count, 1, __ATOMIC_RELEASE);
		CHECK(codex_ring_give_one(cache, first) == 1);
		others = take_all(cache, blocks, holders, 2);
		CHECK(others > 0);
		for (uint32_t i = 0; i < others; i++) {
			__atomic_store_n(holders + blocks[i], 0, __ATOMIC_RELAXED);
			CHECK(codex_ring_give_one(cache, blocks[i]) == 1);
		}
		codex_ring_cache_free(cache);
		_exit(0);
	}
	/* At the same time, once the child has blocks. */
	while (!__atomic_load_n(holders + count, __ATOMIC_ACQUIRE)) {
		ended.si_pid = 0;
		CHECK(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) == 0);
		/* A fast one may have ended since the look above, but not without having had blocks. */
		CHECK(ended.si_pid == 0 || __atomic_load_n(holders + count, __ATOMIC_ACQUIRE));
	}
	mine = take_all(cache, blocks, holders, 1);
	join(child);
	mine += take_all(cache, blocks + mine, holders, 1);
	CHECK(mine == count);
	CHECK(codex_ring_give(cache, blocks, mine) == (long)mine);

	/* A child that only ends its copy, and one that ends itself, take nothing with them. */
	for (int way = 0; way < 2; way++) {
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			if (way == 0)
				codex_ring_cache_free(cache);
			_exit(0);
		}
		join(child);
		CHECK(codex_ring_free_blocks(cache) == (long)count);
	}
	codex_ring_cache_free(cache);
	cache = new_cache(&ring);
	CHECK(codex_ring_free_blocks(cache) == (long)count);
	codex_ring_cache_free(cache);
	free(blocks);
	return 0;
}
