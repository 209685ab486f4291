// SPDX-License-Identifier: Apache-2.0
/* malloc(4096) and free() of the C library. */
#include "subject.h"

typedef void *handle;
typedef void context;

static inline void pool_start(void)
{
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
	for (unsigned i = 0; i < n; i++) {
		blocks[i] = malloc((size_t)1 << BLOCK_SHIFT);
		check(blocks[i] != NULL, "malloc");
	}
}

static inline void pool_give(context *own, handle *blocks, unsigned n)
{
	(void)own;
	for (unsigned i = 0; i < n; i++)
		free(blocks[i]);
}

#include "method.h"
