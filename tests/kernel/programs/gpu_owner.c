// SPDX-License-Identifier: Apache-2.0
/* The owner of the memory dies while a device works on it for somebody else. */
#include "lib/gpu.h"

SETUP(ai_mem, "pool_mib=4");
SETUP(ai_gpu, "");

/* Queue a transfer of a page and let its owner die while the device works on it. */
static uint64_t orphan(int fd, unsigned int direction, int *dmabuf)
{
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);

	memset(buffer.data, 0x40, BLOCK);
	OK(munmap(buffer.data, BLOCK));
	uint64_t fence = gpu_dma(fd, buffer.dmabuf, direction, 0, 0, BLOCK);

	EVENTUALLY(gpu_info(fd).mapped_bytes > 0 || gpu_info(fd).queued == 0);
	close(buffer.owner);
	*dmabuf = buffer.dmabuf;
	return fence;
}

TEST(a_page_under_dma_is_an_orphan_and_nobody_gets_it)
{
	int fd = gpu_open(0), other = mem_open(), dmabuf;
	uint64_t fence = orphan(fd, AI_GPU_FROM_DEVICE, &dmabuf);
	struct ai_mem_alloc all = mem_request(4 * MIB, 0);
	bool refused = mem_try(other, &all) == -1 && errno == ENOMEM;
	unsigned long long orphaned = kt_figure(MEM_PROC, "Orphaned");

	/* Read after what it explains: a job that ended meanwhile lets the page go. */
	if (gpu_info(fd).queued)
		CHECKF(refused && orphaned == BLOCK, "refused %d, orphaned %llu", refused, orphaned);
	CHECK(gpu_wait(fd, fence, NULL) == 0);
	close(dmabuf);
	EVENTUALLY(refused ? mem_allocated() == 0 : mem_allocated() == 4 * MIB);
	CHECK(kt_figure(MEM_PROC, "Orphaned") == 0);
}

TEST(the_device_does_not_write_to_the_next_owner)
{
	int fd = gpu_open(0), other = mem_open(), dmabuf;
	struct ai_mem_alloc made;

	for (int n = 0; n < 3; n++) {
		uint64_t fence = orphan(fd, AI_GPU_FROM_DEVICE, &dmabuf);

		close(dmabuf);
		EVENTUALLY(mem_allocated() == 0);
		unsigned char *all = mem_take(other, 4 * MIB, 0, &made);

		memset(all, 0x11, 4 * MIB);
		CHECK(gpu_wait(fd, fence, NULL) == 0);
		usleep(150000);
		CHECK(all_bytes(all, 4 * MIB, 0x11));
		OK(munmap(all, 4 * MIB));
		OK(mem_free(other, made.handle));
	}
}

TEST(a_dead_owners_dmabuf_starts_no_job)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	uint64_t fence;

	OK(munmap(buffer.data, BLOCK));
	close(buffer.owner);
	EVENTUALLY(mem_allocated() == 0);
	/* Refused at once or by the job, as the importer likes. */
	if (gpu_try_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK, &fence) == 0)
		CHECK(gpu_wait(fd, fence, NULL) == -ENODEV);
	else
		CHECK(errno == ENODEV);
}

TEST(a_shared_buffer_goes_on_without_its_owner)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, AI_MEM_ALLOC_SHARED), in = gpu_buffer(BLOCK, 0);

	memset(buffer.data, 0x6d, BLOCK);
	OK(munmap(buffer.data, BLOCK));
	close(buffer.owner);
	EVENTUALLY(kt_figure(MEM_PROC, "Orphaned") == BLOCK);
	CHECK(gpu_to(fd, buffer.dmabuf, 0, 0, BLOCK) == 0);
	CHECK(gpu_from(fd, in.dmabuf, 0, 0, BLOCK) == 0);
	CHECK(all_bytes(in.data, BLOCK, 0x6d));
}
