// SPDX-License-Identifier: Apache-2.0
/* Copies are counted: a device that does not reach the memory gets them, and only then. */
#include "lib/gpu.h"

SETUP(ai_mem, "pool_mib=8");
SETUP(ai_gpu, "");

/* There and back; what the kernel copied for both. */
static uint64_t round_trip(int fd, unsigned int offset, unsigned int length)
{
	struct gpu_buffer out = gpu_buffer(2 * BLOCK, 0), in = gpu_buffer(2 * BLOCK, 0);
	struct ai_gpu_wait to, from;
	uint64_t before = gpu_info(fd).bounced_bytes;

	for (size_t n = 0; n < 2 * BLOCK; n++)
		out.data[n] = (unsigned char)(n * 31 + n / 256);
	memset(in.data, 0xee, 2 * BLOCK);
	CHECK(gpu_wait(fd, gpu_dma(fd, out.dmabuf, AI_GPU_TO_DEVICE, offset, 0, length), &to) == 0);
	CHECK(gpu_wait(fd, gpu_dma(fd, in.dmabuf, AI_GPU_FROM_DEVICE, offset, 0, length), &from) == 0);
	CHECK(!memcmp(out.data + offset, in.data + offset, length));
	CHECK(all_bytes(in.data, offset, 0xee));
	CHECK(all_bytes(in.data + offset + length, 2 * BLOCK - offset - length, 0xee));
	CHECK(gpu_info(fd).bounced_bytes - before == to.bounced_bytes + from.bounced_bytes);
	return to.bounced_bytes + from.bounced_bytes;
}

TEST(a_device_that_reaches_everything_gets_no_copies)
{
	int number = kt_option("iommu", 0) ? 0 : gpu_of_width(true);

	CHECKF(number >= 0, "no such device");
	int fd = gpu_open(number);

	CHECKF(round_trip(fd, 0, BLOCK) == 0, "dma_mask %llx", (unsigned long long)gpu_info(fd).dma_mask);
	CHECK(round_trip(fd, 1000, 4000) == 0);
}

TEST(behind_an_iommu_the_narrow_one_gets_none_either)
{
	if (!kt_option("iommu", 0))
		kt_skip("no IOMMU");
	CHECK(gpu_count() == 2);
	for (int number = 0; number < 2; number++) {
		int fd = gpu_open(number);

		CHECK(round_trip(fd, 0, BLOCK) == 0);
		CHECK(round_trip(fd, 2000, 4096) == 0);
	}
}

TEST(without_an_iommu_every_byte_of_the_narrow_one_is_counted)
{
	if (kt_option("iommu", 0) || !kt_option("high", 0))
		kt_skip("the narrow device reaches the pool");
	int number = gpu_of_width(false);

	CHECKF(number >= 0, "no such device");
	int fd = gpu_open(number);

	CHECK(round_trip(fd, 0, BLOCK) == 2 * BLOCK);
	CHECK(round_trip(fd, 4095, 1) == 2);
	CHECK(round_trip(fd, 1000, 4000) == 8000);
}
