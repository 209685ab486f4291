// SPDX-License-Identifier: Apache-2.0
/* A device that does not end its job in time, and one that does not answer at all. */
#include "lib/gpu.h"
#include "lib/module.h"

/* A transfer takes the device 100 ms: every one of them is late. */
SETUP(ai_mem, "pool_mib=4");
SETUP(ai_gpu, "timeout_ms=20");

/*
 * A transfer that was late. On a machine so busy that the guest itself is late the module finds it done in time; then once
 * more.
 */
static void one_late(int fd, int dmabuf, unsigned int direction)
{
	for (int n = 0; n < 100; n++) {
		int status = gpu_wait(fd, gpu_dma(fd, dmabuf, direction, 0, 0, BLOCK), NULL);

		if (status == -ETIMEDOUT)
			return;
		CHECKF(status == 0, "%d", status);
	}
	CHECKF(false, "no transfer was late");
}

TEST(a_late_job_is_etimedout_and_the_device_goes_on)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	struct ai_gpu_info before = gpu_info(fd), after;

	one_late(fd, buffer.dmabuf, AI_GPU_TO_DEVICE);
	/* The job is told first, the reset counts when the device answers again. */
	EVENTUALLY(gpu_info(fd).resets == before.resets + 1);
	after = gpu_info(fd);
	CHECK(after.timeouts == before.timeouts + 1);
	CHECK(after.bytes_to - before.bytes_to == BLOCK * (after.transfers_to - before.transfers_to));
	CHECK(after.state == AI_GPU_STATE_ACTIVE && after.mapped_bytes == 0);
	struct ai_gpu_wait wait;

	CHECK(gpu_wait(fd, gpu_launch(fd, 10), &wait) == 0 && wait.result == 3628800);
}

TEST(the_late_write_of_the_device_reaches_nobody)
{
	int fd = gpu_open(0), owner = mem_open();
	struct ai_mem_alloc made;

	for (int n = 0; n < 4; n++) {
		struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);

		memset(buffer.data, 0x3f, BLOCK);
		one_late(fd, buffer.dmabuf, AI_GPU_FROM_DEVICE);
		close(buffer.dmabuf);
		OK(munmap(buffer.data, BLOCK));
		close(buffer.owner);
		EVENTUALLY(mem_allocated() == 0);
		/* The page belongs to somebody else now, while the device's own clock may still run. */
		unsigned char *all = mem_take(owner, 4 * MIB, 0, &made);

		memset(all, 0x77, 4 * MIB);
		usleep(250000);
		CHECK(all_bytes(all, 4 * MIB, 0x77));
		OK(munmap(all, 4 * MIB));
		OK(mem_free(owner, made.handle));
	}
}

/* A transfer that was in time: 100 ms of 140, which a busy machine may miss; then once more. */
static int in_time(int (*transfer)(int fd, int dmabuf, uint64_t offset, uint64_t address, uint64_t length), int fd,
		   int dmabuf)
{
	int status = -ETIMEDOUT;

	for (int n = 0; n < 100 && status == -ETIMEDOUT; n++)
		status = transfer(fd, dmabuf, 0, 0, BLOCK);
	return status;
}

TEST(a_late_write_does_not_spoil_the_next_job)
{
	module_reload("ai_gpu", "timeout_ms=140");
	int fd = gpu_open(0);
	struct gpu_buffer a = gpu_buffer(2 * BLOCK, 0), b = gpu_buffer(BLOCK, 0);

	memset(a.data, 0xaa, 2 * BLOCK);
	memset(b.data, 0xbb, BLOCK);
	for (int n = 0; n < 3; n++) {
		/* Two pages that may not be neighbours take two transfers: the second is late. */
		int late = gpu_to(fd, a.dmabuf, 2048, 0, BLOCK);
		int good = in_time(gpu_to, fd, b.dmabuf);

		CHECKF(late == 0 || late == -ETIMEDOUT, "%d", late);
		CHECKF(good == 0, "%d", good);
		CHECK(in_time(gpu_from, fd, a.dmabuf) == 0);
		CHECKF(all_bytes(a.data, BLOCK, 0xbb), "round %d", n);
		memset(a.data, 0xaa, 2 * BLOCK);
	}
}

TEST(many_late_jobs_end_one_by_one)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	uint64_t fences[5];

	for (int n = 0; n < 5; n++)
		fences[n] = gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);
	for (int n = 0; n < 5; n++) {
		int status = gpu_wait(fd, fences[n], NULL);

		CHECKF(status == -ETIMEDOUT || status == 0, "%d", status);
	}
	CHECK(gpu_info(fd).queued == 0);
}

TEST(closing_in_the_middle_of_a_late_job)
{
	for (int n = 0; n < 5; n++) {
		int fd = gpu_open(0);
		struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);

		gpu_dma(fd, buffer.dmabuf, AI_GPU_FROM_DEVICE, 0, 0, BLOCK);
		usleep((unsigned int)n * 9000);
		close(fd);
		close(buffer.owner);
		close(buffer.dmabuf);
		OK(munmap(buffer.data, BLOCK));
		EVENTUALLY(mem_allocated() == 0);
	}
}

/* Bit 2 of the command word: while it is off, interrupts and DMA of the device go nowhere. */
static void command_bits(const char *folder, unsigned int clear)
{
	char path[100];
	unsigned short command;

	snprintf(path, sizeof(path), "%s/config", folder);
	int config = (int)OK(open(path, O_RDWR));

	CHECK(pread(config, &command, 2, 4) == 2);
	command &= (unsigned short)~clear;
	CHECK(pwrite(config, &command, 2, 4) == 2);
	close(config);
}

TEST(a_device_whose_interrupt_is_lost_times_out)
{
	module_reload("ai_gpu", "timeout_ms=400");
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0), in = gpu_buffer(BLOCK, 0);
	uint64_t fence = gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);

	usleep(20000);
	command_bits(gpu_folder(fd), 4);
	int status = gpu_wait(fd, fence, NULL);

	CHECKF(status == -ETIMEDOUT || status == -EIO, "%d", status);
	/* The reset put the device in order again. */
	memset(buffer.data, 0x2d, BLOCK);
	CHECK(gpu_to(fd, buffer.dmabuf, 0, 0, BLOCK) == 0);
	CHECK(gpu_from(fd, in.dmabuf, 0, 0, BLOCK) == 0);
	CHECK(all_bytes(in.data, BLOCK, 0x2d));
}

TEST(a_device_whose_registers_vanish_fails_and_comes_back)
{
	module_reload("ai_gpu", "timeout_ms=400");
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	uint64_t fence = gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);

	usleep(20000);
	/* Memory decoding off: every register reads as ones. */
	command_bits(gpu_folder(fd), 2 | 4);
	int status = gpu_wait(fd, fence, NULL);

	CHECKF(status == -ETIMEDOUT || status == -EIO || status == -ENODEV, "%d", status);
	struct ai_gpu_wait wait;

	if (gpu_info(fd).state == AI_GPU_STATE_FAILED) {
		uint64_t failed;

		if (gpu_try_launch(fd, AI_GPU_FUNCTION_FACTORIAL, 3, &failed) == 0)
			CHECK(gpu_wait(fd, failed, &wait) == -EIO);
		OK(gpu_reset(fd));
	}
	CHECK(gpu_info(fd).state == AI_GPU_STATE_ACTIVE);
	CHECK(gpu_wait(fd, gpu_launch(fd, 10), &wait) == 0 && wait.result == 3628800);
}

TEST_SECONDS(a_device_that_computes_for_too_long_fails_until_it_is_done, 120)
{
	module_reload("ai_gpu", "timeout_ms=50");
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	struct ai_gpu_wait wait;

	/* Seconds of multiplying, which nothing can break off. */
	CHECK(gpu_wait(fd, gpu_launch(fd, 0xffffffff), &wait) == -ETIMEDOUT);
	uint64_t fence;

	for (int n = 0; n < 600; n++) {
		if (gpu_info(fd).state == AI_GPU_STATE_FAILED) {
			gpu_reset(fd);
		} else if (gpu_try_launch(fd, AI_GPU_FUNCTION_FACTORIAL, 10, &fence) == 0 &&
			   gpu_wait(fd, fence, &wait) == 0) {
			CHECK(wait.result == 3628800);
			return;
		}
		usleep(100000);
	}
	CHECKF(buffer.dmabuf < 0, "the device did not come back");
}

TEST(reset_of_a_healthy_device_is_harmless)
{
	module_reload("ai_gpu", "timeout_ms=2000");
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	struct ai_gpu_wait wait;

	for (int n = 0; n < 3; n++) {
		OK(gpu_reset(fd));
		CHECK(gpu_wait(fd, gpu_launch(fd, 10), &wait) == 0 && wait.result == 3628800);
	}
	/* With jobs under way: they end, with whatever status, and later ones work. */
	uint64_t fence = gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);

	gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);
	usleep(10000);
	OK(gpu_reset(fd));
	gpu_wait(fd, fence, &wait);
	gpu_wait(fd, fence + 1, &wait);
	CHECK(gpu_to(fd, buffer.dmabuf, 0, 0, BLOCK) == 0);
}

TEST(timeouts_outside_their_range_are_refused)
{
	module_drop("ai_gpu");
	CHECK(module_load("ai_gpu", "timeout_ms=0") == -1 && (errno == EINVAL || errno == ERANGE));
	CHECK(module_load("ai_gpu", "timeout_ms=-5") == -1 && (errno == EINVAL || errno == ERANGE));
	CHECK(module_load("ai_gpu", "timeout_ms=x") == -1 && errno == EINVAL);
	CHECK(module_load("ai_gpu", "timeout_ms=99999999999") == -1 && (errno == EINVAL || errno == ERANGE));
	OK(module_load("ai_gpu", ""));
}
