// SPDX-License-Identifier: Apache-2.0
/* A device that leaves while it works: unbound, removed in sysfs, pulled out of its slot. */
#include "lib/gpu.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=8");
SETUP(ai_gpu, "");

static struct gpu_buffer buffer;
static char address[16];

static int start_jobs(int number, int jobs, uint64_t *first)
{
	int fd = gpu_open(number);

	buffer = gpu_buffer(BLOCK, 0);
	memset(buffer.data, 0x5e, BLOCK);
	snprintf(address, sizeof(address), "%s", gpu_info(fd).address);
	*first = gpu_dma(fd, buffer.dmabuf, AI_GPU_FROM_DEVICE, 0, 0, BLOCK);
	for (int n = 1; n < jobs; n++)
		gpu_dma(fd, buffer.dmabuf, n % 2 ? AI_GPU_TO_DEVICE : AI_GPU_FROM_DEVICE, 0, 0, BLOCK);
	usleep(20000);
	return fd;
}

/* Every call on a file of a device that has gone; jobs that had not ended by then did so with ENODEV. */
static void is_gone(int fd, uint64_t first, int jobs)
{
	struct ai_gpu_info info = {.size = sizeof(info)};
	struct pollfd one = {fd, POLLIN, 0};
	struct ai_gpu_wait wait;
	uint64_t fence;

	/* A slot takes its time: the case's own limit ends this. */
	while (poll(&one, 1, -1) != 1 || (one.revents & (POLLHUP | POLLERR)) != (POLLHUP | POLLERR))
		usleep(10000);
	FAILS(gpu_try_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, 16, &fence), ENODEV);
	FAILS(gpu_try_launch(fd, AI_GPU_FUNCTION_FACTORIAL, 3, &fence), ENODEV);
	FAILS(gpu_reset(fd), ENODEV);
	int result = ioctl(fd, AI_GPU_IOC_INFO, &info);

	CHECK((result == -1 && errno == ENODEV) || info.state == AI_GPU_STATE_GONE);
	bool ended = true;

	for (int n = 0; n < jobs; n++) {
		result = gpu_try_wait(fd, first + (uint64_t)n, FOREVER, &wait);
		bool lost = (result == -1 && errno == ENODEV) || (result == 0 && wait.status == -ENODEV);

		CHECKF(lost || (result == 0 && wait.status == 0 && ended), "job %d: %d %d", n, result, wait.status);
		ended = !lost;
	}
	CHECKF(!ended, "the last job was done by a device that is gone");
}

/* The memory is free again, and nothing writes to it any more. */
static void memory_is_quiet(void)
{
	struct ai_mem_alloc made;

	close(buffer.dmabuf);
	OK(munmap(buffer.data, BLOCK));
	close(buffer.owner);
	EVENTUALLY(mem_allocated() == 0);
	int fd = mem_open();
	unsigned char *all = mem_take(fd, 8 * MIB, 0, &made);

	memset(all, 0x13, 8 * MIB);
	usleep(300000);
	CHECK(all_bytes(all, 8 * MIB, 0x13));
	OK(munmap(all, 8 * MIB));
	close(fd);
	EVENTUALLY(mem_allocated() == 0);
}

TEST(unbound_during_dma_and_bound_again)
{
	uint64_t first;
	int count = gpu_count(), fd = start_jobs(0, 4, &first);

	OK(kt_write("/sys/bus/pci/drivers/ai_gpu/unbind", address));
	is_gone(fd, first, 4);
	memory_is_quiet();
	OK(kt_write("/sys/bus/pci/drivers/ai_gpu/bind", address));
	CHECK(gpu_count() == count);
	/* The old file stays dead. */
	FAILS(gpu_reset(fd), ENODEV);
	close(fd);
	for (int n = 0; n < count; n++) {
		fd = gpu_open(n);
		CHECK(gpu_wait(fd, gpu_launch(fd, 10), NULL) == 0);
	}
}

TEST(removed_in_sysfs_during_dma_and_found_again)
{
	uint64_t first;
	char path[100];
	int count = gpu_count(), fd = start_jobs(0, 4, &first);

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", address);
	OK(kt_write(path, "1"));
	is_gone(fd, first, 4);
	memory_is_quiet();
	CHECK(gpu_count() == count - 1);
	OK(kt_write("/sys/bus/pci/rescan", "1"));
	EVENTUALLY(gpu_count() == count);
}

TEST(files_closed_after_the_device_left)
{
	uint64_t first;

	for (int n = 0; n < 3; n++) {
		int fd = start_jobs(0, 2, &first);

		OK(kt_write("/sys/bus/pci/drivers/ai_gpu/unbind", address));
		OK(kt_write("/sys/bus/pci/drivers/ai_gpu/bind", address));
		close(buffer.dmabuf);
		close(buffer.owner);
		OK(munmap(buffer.data, BLOCK));
		close(fd);
	}
}

static void wait_for_it(void *argument)
{
	int *fence_of = argument;
	struct ai_gpu_wait wait;
	int result = gpu_try_wait(fence_of[0], (uint64_t)fence_of[1], FOREVER, &wait);

	CHECKF((result == -1 && errno == ENODEV) || wait.status == -ENODEV, "%d %d", result, wait.status);
}

TEST(who_waits_is_woken)
{
	uint64_t first;
	int fd = start_jobs(0, 6, &first);
	int job[2] = {fd, (int)first + 5};
	int pid = kt_child(wait_for_it, job);

	usleep(30000);
	OK(kt_write("/sys/bus/pci/drivers/ai_gpu/unbind", address));
	kt_join(pid);
	OK(kt_write("/sys/bus/pci/drivers/ai_gpu/bind", address));
}

TEST_SECONDS(pulled_out_of_its_slot_during_dma, 120)
{
	uint64_t first;
	int count = gpu_count();

	if (!kt_option("slots", 0))
		kt_skip("the machine's devices are not in slots");
	for (int round = 0; round < 2; round++) {
		int number = count - 1;
		/* The port lets five seconds go by between the button and the end. */
		int fd = start_jobs(number, 200, &first);

		kt_host("unplug edu1");
		is_gone(fd, first, 200);
		EVENTUALLY(gpu_count() == count - 1);
		memory_is_quiet();
		close(fd);
		kt_host("plug edu1 slot1");
		EVENTUALLY(gpu_count() == count);
	}
	int fd = gpu_open(count - 1);

	CHECK(gpu_wait(fd, gpu_launch(fd, 10), NULL) == 0);
}

TEST(a_device_that_is_no_edu_is_refused)
{
	char path[100];
	const char *other = "0000:00:1f.2";	/* SATA of the machine */

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", other);
	if (access(path, F_OK))
		kt_skip("no such function");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", other);
	if (access(path, F_OK) == 0)
		kt_skip("it has a driver");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", other);
	OK(kt_write(path, "ai_gpu"));
	int count = gpu_count();

	CHECK(kt_write("/sys/bus/pci/drivers/ai_gpu/bind", other) == -1 && errno == ENODEV);
	CHECK(gpu_count() == count);
	OK(kt_write(path, "\n"));
}

static void load_and_compute(long number)
{
	(void)number;
	module_reload("ai_gpu", "");
	int fd = gpu_open(0);

	CHECK(gpu_wait(fd, gpu_launch(fd, 10), NULL) == 0);
	close(fd);
}

TEST_SECONDS(the_module_comes_and_goes_again_and_again, 600)
{
	long cycles = kt_option("cycles", 100);
	int count = gpu_count();

	/* Without an IOMMU every probe measures the device's reach, which takes it 200 ms. */
	module_cycles(kt_option("iommu", 0) ? cycles : cycles / 20, load_and_compute);
	CHECK(gpu_count() == count);
}

TEST(the_module_goes_while_devices_work_for_nobody)
{
	uint64_t first;
	int fd = start_jobs(0, 1, &first);

	close(fd);
	module_drop("ai_gpu");
	memory_is_quiet();
}
