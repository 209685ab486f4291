/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subject of the pool benchmark gives. A subject is one C file that defines these functions as static inline and
 * then includes method.h, so that every subject's fast path is inlined into the same loops.
 *
 *	handle, context				types: a block as the subject names it; what a thread works with
 *	void pool_start(void);			once, before all threads: POOL_BLOCKS free blocks
 *	context *pool_thread_start(void);	in each thread, before its first block
 *	void pool_thread_end(context *);	in each thread, after its last block
 *	void pool_take(context *, handle *blocks, unsigned n);
 *	void pool_give(context *, handle *blocks, unsigned n);
 */
#ifndef POOL_SUBJECT_H
#define POOL_SUBJECT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_SHIFT 12
/* 256 MiB less one block: the number that a ring of 65,536 slots holds, which is the peer's best case. */
#define POOL_BLOCKS 65535u
#define BULK_MAX 32u

static inline void check(int good, const char *what)
{
	if (__builtin_expect(!good, 0)) {
		fprintf(stderr, "pool: %s\n", what);
		exit(1);
	}
}

/* Address space for the blocks. No subject touches them: what is measured is who gets which. */
static char *pool_base;

static inline void *address_of(uint32_t block)
{
	return pool_base + ((uint64_t)block << BLOCK_SHIFT);
}

static inline uint32_t number_of(const void *address)
{
	return (uint32_t)((uint64_t)((const char *)address - pool_base) >> BLOCK_SHIFT);
}

#endif
