// SPDX-License-Identifier: Apache-2.0
/* An array of addresses behind one mutex; a bulk takes the mutex once. */
#include <pthread.h>
#include <string.h>

#include "subject.h"

typedef void *handle;
typedef void context;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *free_blocks[POOL_BLOCKS];
static unsigned count;

static inline void pool_start(void)
{
	while (count < POOL_BLOCKS) {
		free_blocks[count] = address_of(count);
		count++;
	}
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
	pthread_mutex_lock(&lock);
	check(count >= n, "stack ran empty");
	count -= n;
	memcpy(blocks, free_blocks + count, n * sizeof(*blocks));
	pthread_mutex_unlock(&lock);
}

static inline void pool_give(context *own, handle *blocks, unsigned n)
{
	(void)own;
	pthread_mutex_lock(&lock);
	memcpy(free_blocks + count, blocks, n * sizeof(*blocks));
	count += n;
	pthread_mutex_unlock(&lock);
}

#include "method.h"
