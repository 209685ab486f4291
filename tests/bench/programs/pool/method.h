/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's mempool_perf method: take `keep` blocks in steps of `bulk`, give all back in steps of `bulk`, here in shuffled
 * order. Prints one line of JSON: nanoseconds of processor time of a thread for one block taken and given back.
 *
 * usage: SUBJECT MILLISECONDS_PER_CASE
 */
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "subject.h"

#define KEEP_MAX 4096u
#define THREADS_MAX 2u

static const unsigned keeps[] = { 32, 128, 512, KEEP_MAX };
static const unsigned bulks[] = { 1, BULK_MAX };

struct run {
	unsigned keep, bulk;
	uint64_t budget_ns;
	pthread_barrier_t *together;
	double pair_ns;
};

static uint64_t now(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

/* A fixed order that looks like chance, the same for every subject. */
static void shuffle(uint32_t *order, unsigned n)
{
	uint64_t state = 88172645463325252u;

	for (unsigned i = 0; i < n; i++)
		order[i] = i;
	for (unsigned i = n - 1; i > 0; i--) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		unsigned with = (unsigned)(state % (i + 1));
		uint32_t other = order[with];

		order[with] = order[i];
		order[i] = other;
	}
}

static inline __attribute__((always_inline)) void one_round(context *own, handle *held,
							    const uint32_t *order, unsigned keep,
							    unsigned bulk)
{
	handle part[BULK_MAX];

	for (unsigned i = 0; i < keep; i += bulk)
		pool_take(own, held + i, bulk);
	for (unsigned i = 0; i < keep; i += bulk) {
		for (unsigned k = 0; k < bulk; k++)
			part[k] = held[order[i + k]];
		pool_give(own, part, bulk);
	}
	/* The addresses count as used. */
	__asm__ volatile("" : : "r"(held) : "memory");
}

static void rounds(context *own, handle *held, const uint32_t *order, const struct run *run,
		   unsigned n)
{
	/* Bulk is a constant in each loop, as it is in a program. */
	if (run->bulk == 1)
		for (; n > 0; n--)
			one_round(own, held, order, run->keep, 1);
	else
		for (; n > 0; n--)
			one_round(own, held, order, run->keep, BULK_MAX);
}

static void *thread(void *data)
{
	/* Not a multiple of 4 KiB apart: a processor takes a load for one of a store with the same low address bits. */
	static _Thread_local struct {
		handle held[KEEP_MAX];
		char gap[1600];
		uint32_t order[KEEP_MAX];
	} mine;
	handle *held = mine.held;
	uint32_t *order = mine.order;
	struct run *run = data;
	context *own;
	uint64_t begin, spent, wall;
	uint64_t done = 0;
	unsigned step = KEEP_MAX / run->keep;

	shuffle(order, run->keep);
	own = pool_thread_start();
	rounds(own, held, order, run, step);
	pthread_barrier_wait(run->together);
	wall = now(CLOCK_MONOTONIC);
	begin = now(CLOCK_THREAD_CPUTIME_ID);
	do {
		rounds(own, held, order, run, step);
		done += (uint64_t)step * run->keep;
	} while (now(CLOCK_MONOTONIC) - wall < run->budget_ns);
	spent = now(CLOCK_THREAD_CPUTIME_ID) - begin;
	run->pair_ns = (double)spent / (double)done;
	/* Nobody's blocks come back while another still measures. */
	pthread_barrier_wait(run->together);
	pool_thread_end(own);
	return NULL;
}

/* Mean over the threads. */
static double measure(unsigned threads, unsigned keep, unsigned bulk, uint64_t budget_ns)
{
	pthread_t ids[THREADS_MAX];
	struct run runs[THREADS_MAX];
	pthread_barrier_t together;
	double sum = 0;

	check(!pthread_barrier_init(&together, NULL, threads), "barrier");
	for (unsigned i = 0; i < threads; i++) {
		runs[i] = (struct run){ keep, bulk, budget_ns, &together, 0 };
		check(!pthread_create(ids + i, NULL, thread, runs + i), "thread");
	}
	for (unsigned i = 0; i < threads; i++) {
		check(!pthread_join(ids[i], NULL), "join");
		sum += runs[i].pair_ns;
	}
	pthread_barrier_destroy(&together);
	return sum / threads;
}

int main(int argc, char **argv)
{
	const char *separator = "{";

	check(argc == 2 && atoi(argv[1]) > 0, "usage: SUBJECT MILLISECONDS_PER_CASE");
	pool_base = mmap(NULL, (size_t)(POOL_BLOCKS + 1) << BLOCK_SHIFT, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	check(pool_base != MAP_FAILED, "address space");
	pool_start();
	for (unsigned threads = 1; threads <= THREADS_MAX; threads++)
		for (unsigned k = 0; k < sizeof(keeps) / sizeof(*keeps); k++)
			for (unsigned b = 0; b < sizeof(bulks) / sizeof(*bulks); b++) {
				double ns = measure(threads, keeps[k], bulks[b],
						    (uint64_t)atoi(argv[1]) * 1000000u);

				printf("%s\"t%u_keep%u_bulk%u\": %.3f", separator, threads,
				       keeps[k], bulks[b], ns);
				separator = ", ";
			}
	puts("}");
	return 0;
}
