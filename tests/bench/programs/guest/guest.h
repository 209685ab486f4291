/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs that measure inside a guest share: clocks, calls that must succeed, medians. */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <codex/ai_gpu.h>
#include <codex/ai_mem.h>

#define MIB (1024ul * 1024)
#define BLOCK ((size_t)AI_MEM_BLOCK_BYTES)
/* Odd, so that the median is a value. */
#define REPEATS 15

#define MUST(good)                                                       \
	do {                                                             \
		if (!(good)) {                                           \
			fprintf(stderr, "line %d: %s\n", __LINE__, #good); \
			exit(1);                                         \
		}                                                        \
	} while (0)

static inline double now_us(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static inline int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double median(double *values)
{
	qsort(values, REPEATS, sizeof(*values), ascending);
	return values[REPEATS / 2];
}

int mem_open(void);
struct ai_mem_alloc mem_alloc(int fd, size_t bytes, unsigned int flags);
void mem_free(int fd, unsigned int handle);
int mem_export(int fd, unsigned int handle);
void *mem_map(int fd, uint64_t offset, size_t bytes);

void measure_copy(void);
void measure_export(void);
void measure_ioctl(void);
void measure_fill(void);
void measure_edu(void);

#endif
