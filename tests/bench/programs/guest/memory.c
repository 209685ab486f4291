// SPDX-License-Identifier: Apache-2.0
/* The pool of ai_mem: copies into it, export, ioctls, fill. */
#include "guest.h"

#include "ring.h"

int mem_open(void)
{
	int fd = open("/dev/ai_mem", O_RDWR | O_CLOEXEC);

	MUST(fd >= 0);
	return fd;
}

struct ai_mem_alloc mem_alloc(int fd, size_t bytes, unsigned int flags)
{
	struct ai_mem_alloc request = { .size = sizeof(request), .flags = flags, .bytes = bytes, .node = -1 };

	MUST(!ioctl(fd, AI_MEM_IOC_ALLOC, &request));
	return request;
}

void mem_free(int fd, unsigned int handle)
{
	struct ai_mem_free request = { .size = sizeof(request), .handle = handle };

	MUST(!ioctl(fd, AI_MEM_IOC_FREE, &request));
}

int mem_export(int fd, unsigned int handle)
{
	struct ai_mem_export request = { .size = sizeof(request), .handle = handle, .fd = -1 };

	MUST(!ioctl(fd, AI_MEM_IOC_EXPORT, &request));
	return request.fd;
}

void *mem_map(int fd, uint64_t offset, size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	MUST(at != MAP_FAILED);
	return at;
}

static void *anonymous(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(at != MAP_FAILED);
	/* Small pages, as the pool's mapping has. */
	MUST(!madvise(at, bytes, MADV_NOHUGEPAGE));
	return at;
}

static double copy_us(char *to, const char *from, size_t bytes)
{
	double begin = now_us();

	memcpy(to, from, bytes);
	__asm__ volatile("" : : "r"(to) : "memory");
	return now_us() - begin;
}

/* Pages from `a` to `b` in a table of 64 places, either way round; no larger table has them closer. */
static size_t apart(const char *a, const char *b)
{
	size_t pages = ((uintptr_t)a / BLOCK - (uintptr_t)b / BLOCK) % 64;

	return pages < 64 - pages ? pages : 64 - pages;
}

/*
 * 16 MiB, both targets touched before. The source lies where its pages displace neither target's in a table that is
 * indexed by the low bits of a page's number, as an emulator's is: else one of the two copies would only show that.
 */
void measure_copy(void)
{
	const size_t bytes = 16 * MIB, near = 8;
	int fd = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, bytes, 0);
	char *pool = mem_map(fd, made.mmap_offset, bytes), *plain = anonymous(bytes), *from = anonymous(2 * bytes);
	double pool_us[REPEATS], plain_us[REPEATS];

	while (apart(from, pool) < near || apart(from, plain) < near)
		from += BLOCK;
	memset(from, 1, bytes);
	memset(pool, 2, bytes);
	memset(plain, 3, bytes);
	for (int i = 0; i < REPEATS; i++) {
		pool_us[i] = copy_us(pool, from, bytes);
		plain_us[i] = copy_us(plain, from, bytes);
	}
	MUST(!memcmp(pool, from, bytes) && !memcmp(plain, from, bytes));
	printf("{\"pool\": {\"copy_us\": %.3f}, \"anonymous memory\": {\"copy_us\": %.3f}}\n",
	       median(pool_us), median(plain_us));
}

/* 1 MiB: a dma-buf made and mapped, and ended; against a memfd made, sized and mapped with its pages there. */
void measure_export(void)
{
	const size_t bytes = MIB;
	int fd = mem_open(), file;
	struct ai_mem_alloc made = mem_alloc(fd, bytes, 0);
	double pool_us[REPEATS], memfd_us[REPEATS], begin;
	void *at;

	for (int i = 0; i < REPEATS; i++) {
		begin = now_us();
		file = mem_export(fd, made.handle);
		at = mem_map(file, 0, bytes);
		pool_us[i] = now_us() - begin;
		MUST(!munmap(at, bytes) && !close(file));
		begin = now_us();
		file = memfd_create("bench", MFD_CLOEXEC);
		MUST(file >= 0 && !ftruncate(file, (off_t)bytes));
		at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
		memfd_us[i] = now_us() - begin;
		MUST(at != MAP_FAILED && !munmap(at, bytes) && !close(file));
	}
	printf("{\"EXPORT and mmap\": {\"ready_us\": %.3f}, \"memfd and mmap\": {\"ready_us\": %.3f}}\n",
	       median(pool_us), median(memfd_us));
}

#define CALLS 2000

void measure_ioctl(void)
{
	int fd = mem_open(), ends[2], waiting;
	struct ai_mem_stat stat = { .size = sizeof(stat) };
	struct ai_mem_alloc kept = mem_alloc(fd, 4096 * BLOCK, AI_MEM_ALLOC_RING);
	void *ring = mem_map(fd, kept.ring_offset, kept.ring_bytes);
	struct codex_ring_cache *cache = codex_ring_cache_new(ring, kept.ring_bytes);
	double stat_ns[REPEATS], floor_ns[REPEATS], alloc_ns[REPEATS], ring_ns[REPEATS], begin;
	uint32_t block;

	MUST(cache && !pipe(ends));
	for (int i = 0; i < REPEATS; i++) {
		begin = now_us();
		for (int n = 0; n < CALLS; n++)
			MUST(!ioctl(fd, AI_MEM_IOC_STAT, &stat));
		stat_ns[i] = (now_us() - begin) * 1e3 / CALLS;
		begin = now_us();
		for (int n = 0; n < CALLS; n++)
			MUST(!ioctl(ends[0], FIONREAD, &waiting));
		floor_ns[i] = (now_us() - begin) * 1e3 / CALLS;
		begin = now_us();
		for (int n = 0; n < CALLS; n++)
			mem_free(fd, mem_alloc(fd, BLOCK, 0).handle);
		alloc_ns[i] = (now_us() - begin) * 1e3 / CALLS;
		begin = now_us();
		for (int n = 0; n < CALLS; n++)
			MUST(codex_ring_take_one(cache, &block) == 1 && codex_ring_give_one(cache, block) == 1);
		ring_ns[i] = (now_us() - begin) * 1e3 / CALLS;
	}
	printf("{\"STAT\": {\"call_ns\": %.3f}, \"FIONREAD\": {\"call_ns\": %.3f},"
	       " \"ALLOC and FREE of a block\": {\"call_ns\": %.3f}, \"the same by the ring\": {\"call_ns\": %.3f}}\n",
	       median(stat_ns), median(floor_ns), median(alloc_ns), median(ring_ns));
}

/* The first ALLOC fills the pool; anonymous memory of the same size, every page touched. */
void measure_fill(void)
{
	const size_t bytes = 256 * MIB;
	int fd = mem_open();
	struct ai_mem_stat stat = { .size = sizeof(stat) };
	double begin, pool_ms, plain_ms;
	char *plain;

	MUST(!ioctl(fd, AI_MEM_IOC_STAT, &stat) && stat.filled_bytes == 0 && stat.pool_bytes == bytes);
	begin = now_us();
	mem_alloc(fd, BLOCK, 0);
	pool_ms = (now_us() - begin) / 1e3;
	MUST(!ioctl(fd, AI_MEM_IOC_STAT, &stat) && stat.filled_bytes == bytes);
	begin = now_us();
	plain = anonymous(bytes);
	for (size_t at = 0; at < bytes; at += BLOCK)
		plain[at] = 1;
	plain_ms = (now_us() - begin) / 1e3;
	printf("{\"pool\": {\"fill_ms\": %.3f}, \"anonymous memory\": {\"fill_ms\": %.3f}}\n", pool_ms, plain_ms);
}
