// SPDX-License-Identifier: Apache-2.0
/* DMA jobs: data arrives where it should and nowhere else, whatever the buffer looks like in memory. */
#include <linux/udmabuf.h>

#include "lib/gpu.h"

SETUP(ai_mem, "pool_mib=8");
SETUP(ai_gpu, "");

static void fill(unsigned char *data, size_t bytes, uint64_t seed)
{
	uint64_t state = seed * 2654435761 + 1;

	for (size_t n = 0; n < bytes; n++)
		data[n] = (unsigned char)(kt_random(&state) >> 32);
}

TEST(a_page_goes_there_and_back)
{
	int fd = gpu_open(0);
	struct gpu_buffer out = gpu_buffer(BLOCK, 0), in = gpu_buffer(BLOCK, 0);
	struct ai_gpu_info before = gpu_info(fd), after;

	fill(out.data, BLOCK, 1);
	CHECK(gpu_to(fd, out.dmabuf, 0, 0, BLOCK) == 0);
	CHECK(gpu_from(fd, in.dmabuf, 0, 0, BLOCK) == 0);
	CHECK(!memcmp(out.data, in.data, BLOCK));
	after = gpu_info(fd);
	CHECK(after.transfers_to - before.transfers_to == 1 && after.transfers_from - before.transfers_from == 1);
	CHECK(after.bytes_to - before.bytes_to == BLOCK && after.bytes_from - before.bytes_from == BLOCK);
	CHECK(after.interrupts - before.interrupts >= 2);
}

TEST(odd_ranges_touch_only_their_bytes)
{
	static const struct { unsigned int offset, address, length; } ranges[] = {
		{0, 0, 1}, {4095, 4095, 1}, {1, 3, 4093}, {4000, 0, 200}, {8191, 17, 2}, {100, 4000, 96}};
	int fd = gpu_open(0);
	struct gpu_buffer out = gpu_buffer(3 * BLOCK, 0), in = gpu_buffer(3 * BLOCK, 0);

	for (size_t n = 0; n < sizeof(ranges) / sizeof(ranges[0]); n++) {
		unsigned int at = ranges[n].offset, address = ranges[n].address, length = ranges[n].length;

		fill(out.data, 3 * BLOCK, n + 10);
		memset(in.data, 0xcc, 3 * BLOCK);
		CHECK(gpu_to(fd, out.dmabuf, at, address, length) == 0);
		CHECK(gpu_from(fd, in.dmabuf, at, address, length) == 0);
		CHECKF(!memcmp(out.data + at, in.data + at, length), "range %zu", n);
		CHECKF(all_bytes(in.data, at, 0xcc), "range %zu: before", n);
		CHECKF(all_bytes(in.data + at + length, 3 * BLOCK - at - length, 0xcc), "range %zu: behind", n);
	}
}

TEST(scattered_pages_are_walked)
{
	static unsigned int handles[2048];
	int fd = gpu_open(0), owner = mem_open();
	struct ai_mem_alloc made;

	for (int n = 0; n < 2048; n++)
		handles[n] = mem_alloc(owner, BLOCK, 0).handle;
	for (int n = 0; n < 2048; n += 2)
		OK(mem_free(owner, handles[n]));
	/* 16 pages of which no two are neighbours. */
	unsigned char *data = mem_take(owner, 16 * BLOCK, 0, &made);
	int dmabuf = mem_export(owner, made.handle);
	struct gpu_buffer in = gpu_buffer(BLOCK, 0);

	for (unsigned int page = 0; page < 16; page++)
		memset(data + page * BLOCK, (int)page + 1, BLOCK);
	for (unsigned int page = 0; page < 15; page += 7) {
		/* Half of this page and half of the next, in one job. */
		CHECK(gpu_to(fd, dmabuf, page * BLOCK + BLOCK / 2, 0, BLOCK) == 0);
		CHECK(gpu_from(fd, in.dmabuf, 0, 0, BLOCK) == 0);
		CHECK(all_bytes(in.data, BLOCK / 2, (unsigned char)(page + 1)));
		CHECK(all_bytes(in.data + BLOCK / 2, BLOCK / 2, (unsigned char)(page + 2)));
	}
	CHECK(gpu_from(fd, dmabuf, 3 * BLOCK + 1000, 0, BLOCK) == 0);
	CHECK(!memcmp(data + 3 * BLOCK + 1000, in.data, BLOCK));
	CHECK(all_bytes(data + 3 * BLOCK, 1000, 4) && all_bytes(data + 4 * BLOCK + 1000, BLOCK - 1000, 5));
}

TEST(impossible_ranges_are_refused)
{
	static const struct { uint64_t offset, address, length; } bad[] = {
		{0, 0, 0}, {0, 0, 4097}, {0, 1, 4096}, {0, 4096, 1}, {0, 4095, 2}, {8192, 0, 1}, {8191, 0, 2},
		{8193, 0, 1}, {-1ULL, 0, 1}, {-1ULL, 0, 2}, {0, -1ULL, 1}, {0, -1ULL, 2}, {0, 0, -1ULL},
		{-4096ULL, 0, 4096}, {1, 0, -1ULL}, {0, 1, -1ULL}, {1ULL << 63, 0, 1}, {0, 1ULL << 32, 1},
		{1ULL << 32, 0, 1}, {0, 0, 1ULL << 32}, {0, 0, (1ULL << 32) + 1}, {0, 0x40000, 16}};
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(2 * BLOCK, 0);
	struct ai_gpu_info before = gpu_info(fd), after;
	uint64_t fence;

	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++)
		for (unsigned int direction = 1; direction <= 2; direction++) {
			int result = gpu_try_dma(fd, buffer.dmabuf, direction, bad[n].offset, bad[n].address,
						 bad[n].length, &fence);

			CHECKF(result == -1 && errno == EINVAL, "range %zu", n);
		}
	after = gpu_info(fd);
	CHECK(after.transfers_to == before.transfers_to && after.queued == 0);
}

TEST(wrong_files_and_directions_are_refused)
{
	int fd = gpu_open(0), pair[2];
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	uint64_t fence;

	OK(pipe(pair));
	const int files[] = {-1, -100, 1000000, 0x7fffffff, -0x7fffffff - 1};

	for (size_t n = 0; n < sizeof(files) / sizeof(files[0]); n++)
		FAILS(gpu_try_dma(fd, files[n], AI_GPU_TO_DEVICE, 0, 0, 16, &fence), EBADF);
	const int others[] = {pair[0], fd, buffer.owner, open("/", O_RDONLY), memfd_create("x", 0)};

	for (size_t n = 0; n < sizeof(others) / sizeof(others[0]); n++)
		CHECK(gpu_try_dma(fd, others[n], AI_GPU_TO_DEVICE, 0, 0, 16, &fence) == -1 &&
		      (errno == EINVAL || errno == EBADF));
	static const unsigned int directions[] = {0, 3, 4, 0x80000001, 0xffffffff};

	for (size_t n = 0; n < sizeof(directions) / sizeof(directions[0]); n++)
		FAILS(gpu_try_dma(fd, buffer.dmabuf, directions[n], 0, 0, 16, &fence), EINVAL);
}

TEST(a_read_only_dmabuf_is_not_written)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	int only = (int)OK(mem_try_export(buffer.owner, buffer.made.handle, AI_MEM_EXPORT_READ_ONLY));
	uint64_t fence;

	CHECK(gpu_to(fd, only, 0, 0, BLOCK) == 0);
	CHECK(gpu_try_dma(fd, only, AI_GPU_FROM_DEVICE, 0, 0, BLOCK, &fence) == -1 && (errno == EACCES || errno == EBADF));
}

TEST(a_dmabuf_of_another_exporter_works)
{
	int fd = gpu_open(0), udmabuf = open("/dev/udmabuf", O_RDWR);
	int memory = memfd_create("memory", MFD_ALLOW_SEALING);

	if (udmabuf < 0)
		kt_skip("no udmabuf in this kernel");
	OK(ftruncate(memory, 4 * BLOCK));
	OK(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK));
	unsigned char *data = (unsigned char *)OK(mmap(NULL, 4 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0));
	struct udmabuf_create create = {.memfd = (unsigned int)memory, .size = 4 * BLOCK};
	/* One for each direction: udmabuf keeps the direction of its first access by the CPU. */
	int dmabuf = (int)OK(ioctl(udmabuf, UDMABUF_CREATE, &create));
	int back = (int)OK(ioctl(udmabuf, UDMABUF_CREATE, &create));

	fill(data, 4 * BLOCK, 3);
	CHECK(gpu_to(fd, dmabuf, BLOCK + 100, 0, BLOCK) == 0);
	CHECK(gpu_from(fd, back, 2 * BLOCK + 200, 0, BLOCK) == 0);
	CHECK(!memcmp(data + BLOCK + 100, data + 2 * BLOCK + 200, 100));
}

TEST(the_dmabuf_may_be_closed_after_queueing)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0), in = gpu_buffer(BLOCK, 0);

	memset(buffer.data, 0x31, BLOCK);
	uint64_t fence = gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);

	close(buffer.dmabuf);
	OK(mem_free(buffer.owner, buffer.made.handle));
	OK(munmap(buffer.data, BLOCK));
	CHECK(gpu_wait(fd, fence, NULL) == 0);
	CHECK(gpu_from(fd, in.dmabuf, 0, 0, BLOCK) == 0);
	CHECK(all_bytes(in.data, BLOCK, 0x31));
	EVENTUALLY(gpu_info(fd).mapped_bytes == 0);
}

TEST(jobs_end_in_their_order)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	uint64_t fences[6];
	struct ai_gpu_wait wait;

	for (int n = 0; n < 6; n++) {
		fences[n] = gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, 64);
		CHECK(n == 0 || fences[n] == fences[n - 1] + 1);
	}
	CHECK(gpu_info(fd).queued >= 4);
	CHECK(gpu_wait(fd, fences[3], NULL) == 0);
	for (int n = 0; n < 3; n++) {
		OK(gpu_try_wait(fd, fences[n], 0, &wait));
		CHECK(wait.status == 0);
	}
	CHECK(gpu_wait(fd, fences[5], NULL) == 0 && gpu_info(fd).queued == 0);
}
