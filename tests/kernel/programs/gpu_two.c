// SPDX-License-Identifier: Apache-2.0
/* Two devices: each has its own queue, and they work at the same time. */
#include "lib/gpu.h"

SETUP(ai_mem, "pool_mib=8");
SETUP(ai_gpu, "");

enum { JOBS = 5 };

TEST(their_transfers_overlap)
{
	CHECK(gpu_count() == 2);
	int fd[2] = {gpu_open(0), gpu_open(1)};
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	uint64_t fence[2][JOBS];

	/* All of the first device's jobs are queued before the other has one. */
	for (int device = 0; device < 2; device++)
		for (int n = 0; n < JOBS; n++)
			fence[device][n] = gpu_dma(fd[device], buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);
	/* The other's first one ends while the first device still has some to do, and the other way round. */
	CHECK(gpu_wait(fd[1], fence[1][0], NULL) == 0);
	CHECKF(gpu_info(fd[0]).queued > 0, "the second device waited for the first");
	CHECK(gpu_wait(fd[0], fence[0][JOBS - 2], NULL) == 0);
	unsigned int left = gpu_info(fd[1]).queued;

	CHECKF(left <= 3, "the second device still has %u of %d to do", left, JOBS);
	for (int device = 0; device < 2; device++)
		CHECK(gpu_wait(fd[device], fence[device][JOBS - 1], NULL) == 0);
}

TEST(data_travels_from_one_to_the_other)
{
	int one = gpu_open(0), two = gpu_open(1);
	struct gpu_buffer buffer = gpu_buffer(2 * BLOCK, 0);

	for (size_t n = 0; n < BLOCK; n++)
		buffer.data[n] = (unsigned char)(n * 13 + n / 256);
	CHECK(gpu_to(one, buffer.dmabuf, 0, 0, BLOCK) == 0);
	CHECK(gpu_from(one, buffer.dmabuf, BLOCK, 0, BLOCK) == 0);
	CHECK(gpu_to(two, buffer.dmabuf, BLOCK, 0, BLOCK) == 0);
	memset(buffer.data + BLOCK, 0, BLOCK);
	CHECK(gpu_from(two, buffer.dmabuf, BLOCK, 0, BLOCK) == 0);
	CHECK(!memcmp(buffer.data, buffer.data + BLOCK, BLOCK));
}

TEST(one_that_leaves_does_not_disturb_the_other)
{
	int one = gpu_open(0), two = gpu_open(1);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	uint64_t fence = 0;
	char address[16];

	snprintf(address, sizeof(address), "%s", gpu_info(one).address);
	for (int n = 0; n < 4; n++) {
		gpu_dma(one, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);
		fence = gpu_dma(two, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);
	}
	OK(kt_write("/sys/bus/pci/drivers/ai_gpu/unbind", address));
	CHECK(gpu_wait(two, fence, NULL) == 0);
	OK(kt_write("/sys/bus/pci/drivers/ai_gpu/bind", address));
}
