/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parts of a ring lie, read once from its header and checked, so that nobody can move them afterwards. */
#ifndef CODEX_RING_LAYOUT_H
#define CODEX_RING_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include <codex/ai_mem.h>

struct layout {
	struct ai_mem_ring *ring;
	struct ai_mem_ring_batch *batches;
	uint32_t *links;
	uint32_t batch_count;
	uint32_t block_count;
};

/* Read a shared value once. */
#define SHARED_READ(where) __atomic_load_n(&(where), __ATOMIC_RELAXED)
/* What was copied from shared memory before is not read there again. */
#define COPIED() __asm__ volatile("" : : : "memory")
#define SHARED_WRITE(where, value) __atomic_store_n(&(where), (value), __ATOMIC_RELAXED)

/* 0 and the layout, or what codex_ring_check() returns. */
__attribute__((visibility("hidden"))) int layout_read(struct layout *to, void *ring, size_t bytes);

#endif
