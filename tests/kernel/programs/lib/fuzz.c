// SPDX-License-Identifier: Apache-2.0
/* Choices of a fuzzer, all from one seed that the harness prints, and the files that it holds open. */
#include "fuzz.h"

#include <sys/mman.h>
#include <time.h>

#include "klog.h"
#include "kt.h"

enum { KEPT = 24, PAGE = 4096 };

static uint64_t state;
static int kept[KEPT];
static int log_fd;
static time_t started;
static unsigned char *page;

void fuzz_start(const char *name)
{
	state = (uint64_t)kt_option("seed", 1) * 0x9e3779b97f4a7c15ULL | 1;
	while (*name)
		state = (state ^ (unsigned char)*name++) * 0x100000001b3ULL | 1;
	for (int n = 0; n < KEPT; n++)
		kept[n] = -1;
	log_fd = klog_open();
	started = time(NULL);
}

void fuzz_reseed(unsigned int child)
{
	for (unsigned int n = 0; n <= child; n++)
		state = (state ^ n) * 0x100000001b3ULL | 1;
}

long fuzz_count(void)
{
	return kt_option("fuzz", 1000);
}

uint64_t fuzz_below(uint64_t limit)
{
	return limit ? kt_random(&state) % limit : 0;
}

uint64_t fuzz_word(void)
{
	uint64_t near = kt_random(&state) % 5;

	switch (kt_random(&state) % 5) {
	case 0:
		return near;
	case 1:
		return (1ULL << kt_random(&state) % 64) + near - 2;
	case 2:
		return near - 5;
	case 3:
		return kt_random(&state) % 65536;
	default:
		return kt_random(&state);
	}
}

void fuzz_spoil(void *request, size_t known, size_t capacity)
{
	uint32_t *words = request;

	switch (fuzz_below(16)) {
	case 0:
		words[0] = (uint32_t)fuzz_word();
		break;
	case 1:
		words[0] = (uint32_t)fuzz_below(capacity + 1);
		break;
	case 2:
		words[0] = (uint32_t)capacity;
		((unsigned char *)request)[known + fuzz_below(capacity - known)] = 1;
		break;
	case 3:
		words[fuzz_below(known / 4)] = (uint32_t)fuzz_word();
		break;
	default:
		break;
	}
}

unsigned char *fuzz_page_end(size_t bytes)
{
	if (!page) {
		page = (unsigned char *)OK(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		OK(mprotect(page + PAGE, PAGE, PROT_NONE));
	}
	return page + PAGE - bytes;
}

void fuzz_fill(unsigned char *at)
{
	while (at < page + PAGE) {
		uint64_t word = fuzz_word();
		size_t room = (size_t)(page + PAGE - at), bytes = fuzz_below(2) ? 4 : 8;

		if (bytes > room)
			bytes = room;
		memcpy(at, &word, bytes);
		at += bytes;
	}
}

void fuzz_keep(int fd)
{
	if (fd < 0)
		return;
	int *slot = &kept[fuzz_below(KEPT)];

	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

int fuzz_kept(void)
{
	return kept[fuzz_below(KEPT)];
}

void fuzz_close_all(void)
{
	for (int n = 0; n < KEPT; n++)
		if (kept[n] >= 0)
			close(kept[n]);
}

void fuzz_end(void)
{
	/* A rate-limited message may come ten times in five seconds. */
	long allowed = 10 * ((time(NULL) - started) / 5 + 1);
	int lines = klog_count(log_fd, "ai_");

	CHECKF(lines <= allowed, "%d lines, %ld allowed", lines, allowed);
}
