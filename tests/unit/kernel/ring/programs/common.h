/* SPDX-License-Identifier: Apache-2.0 */
/* What the ring's test programs share: a check that says where it failed, shared memory, numbers that look like chance. */
#ifndef RING_TEST_COMMON_H
#define RING_TEST_COMMON_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <codex/ai_mem.h>

#include "ring.h"

#define CHECK(good)                                                                     \
	do {                                                                            \
		if (!(good)) {                                                          \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #good);      \
			_exit(1);                                                       \
		}                                                                       \
	} while (0)

#define PAGE 4096u

struct shared_ring {
	void *at;
	size_t bytes;
};

static inline void *shared_memory(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED);
	return at;
}

/* A ring in a memfd between two pages that nobody may touch: an access outside the mapping ends the process. */
static inline struct shared_ring guarded_ring(uint32_t blocks)
{
	size_t bytes = codex_ring_bytes(blocks);
	int file = memfd_create("ring", MFD_CLOEXEC);
	char *room = mmap(NULL, bytes + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *at;

	CHECK(bytes && file >= 0 && room != MAP_FAILED && !ftruncate(file, (off_t)bytes));
	at = mmap(room + PAGE, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
	CHECK(at != MAP_FAILED && !close(file));
	codex_ring_init(at, blocks);
	return (struct shared_ring){ at, bytes };
}

static inline struct codex_ring_cache *new_cache(const struct shared_ring *ring)
{
	struct codex_ring_cache *cache = codex_ring_cache_new(ring->at, ring->bytes);

	CHECK(cache != NULL);
	return cache;
}

static inline uint64_t chance(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline uint32_t below(uint64_t *state, uint32_t end)
{
	return (uint32_t)(chance(state) >> 11) % end;
}

static inline void join(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
