// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of every call fails once: the first, then the second, until the call needs no more. Each time the call has
 * to say so and leave nothing, which the balance of the books and kmemleak show.
 */
#include "lib/fault.h"
#include "lib/gpu.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=4");
SETUP(ai_gpu, "");

static int fd, dmabuf, gpu;
static struct ai_mem_alloc made;
static uint64_t fence;

static enum fault_depth depth = FAULT_ALL;

static bool refused_well(long result)
{
	/* Binding a device goes through the kernel, which tells want of memory for its own lists as EBUSY. */
	return result != -1 || errno == ENOMEM || (depth == FAULT_OWN && errno == EBUSY);
}

/* Run once for each allocation; before() and after() are not disturbed. */
static void every_allocation(const char *name, void (*before)(void), long (*call)(void), void (*after)(long))
{
	int n = 1;

	fault_prepare(depth);
	for (;; n++) {
		before();
		fault_after(n);
		errno = 0;
		long result = call();
		int error = errno;
		bool failed = fault_end();

		errno = error;
		CHECKF(refused_well(result), "%s, allocation %d", name, n);
		after(result);
		if (!failed)
			break;
		CHECKF(n < 3000, "%s", name);
	}
	CHECKF(n > 1, "%s was never disturbed", name);
	kt_note("%s: %d allocations", name, n - 1);
}

static void nothing(void)
{
}

static long call_open(void)
{
	return open("/dev/ai_mem", O_RDWR);
}

static void close_it(long result)
{
	if (result >= 0)
		close((int)result);
}

TEST(open_mem)
{
	every_allocation("open", nothing, call_open, close_it);
}

static void open_it(void)
{
	fd = mem_open();
}

/* The fill may do with less than it asked for, so the call can succeed although an allocation failed. */
static long call_alloc(void)
{
	made = mem_request(2 * MIB, AI_MEM_ALLOC_RING);
	return mem_try(fd, &made);
}

static void close_owner(long result)
{
	(void)result;
	close(fd);
	EVENTUALLY(mem_allocated() == 0 && kt_figure(MEM_PROC, "Owners") == 0);
}

TEST_SECONDS(alloc_from_a_filled_pool, 300)
{
	open_it();
	OK(call_alloc());
	close_owner(0);
	every_allocation("alloc", open_it, call_alloc, close_owner);
}

static void empty_the_pool(void)
{
	module_reload("ai_mem", "pool_mib=1");
	fd = mem_open();
}

static long call_alloc_little(void)
{
	made = mem_request(5 * BLOCK, AI_MEM_ALLOC_RING);
	return mem_try(fd, &made);
}

TEST_SECONDS(alloc_that_fills_the_pool, 300)
{
	every_allocation("first alloc", empty_the_pool, call_alloc_little, close_owner);
}

static long call_contiguous(void)
{
	made = mem_request(64 * BLOCK, AI_MEM_ALLOC_CONTIGUOUS);
	return mem_try(fd, &made);
}

TEST_SECONDS(contiguous_alloc, 300)
{
	every_allocation("contiguous", empty_the_pool, call_contiguous, close_owner);
}

static void take(void)
{
	fd = mem_open();
	made = mem_alloc(fd, 600 * BLOCK, AI_MEM_ALLOC_RING);
}

static long call_export(void)
{
	return mem_try_export(fd, made.handle, 0);
}

static void close_both(long result)
{
	close_it(result);
	close_owner(0);
	EVENTUALLY(kt_figure(MEM_PROC, "Exports") == 0);
}

TEST_SECONDS(export, 300)
{
	every_allocation("export", take, call_export, close_both);
}

static long call_map(void)
{
	return (long)mem_try_map(fd, made.mmap_offset, made.bytes);
}

static void unmap_it(long result)
{
	if (result != -1)
		OK(munmap((void *)result, made.bytes));
	close_owner(0);
}

TEST_SECONDS(map, 300)
{
	every_allocation("mmap", take, call_map, unmap_it);
}

static void take_and_export(void)
{
	take();
	dmabuf = mem_export(fd, made.handle);
}

static long call_free(void)
{
	return mem_free(fd, made.handle);
}

TEST_SECONDS(free_never_fails, 300)
{
	take();
	fault_prepare(depth);
	fault_after(1);
	CHECK(call_free() == 0);
	fault_end();
	EVENTUALLY(mem_allocated() == 0);
}

static long call_proc(void)
{
	static char text[4096];
	int proc = open(MEM_PROC, O_RDONLY);

	if (proc < 0)
		return -1;
	long result = read(proc, text, sizeof(text));
	int error = errno;

	close(proc);
	errno = error;
	return result;
}

TEST_SECONDS(reading_proc, 300)
{
	every_allocation("/proc/ai_memory", take, call_proc, close_owner);
}

static void both(void)
{
	take_and_export();
	gpu = gpu_open(0);
}

static long call_dma(void)
{
	return gpu_try_dma(gpu, dmabuf, AI_GPU_TO_DEVICE, 0, 0, 16, &fence);
}

static void close_all(long result)
{
	if (result == 0) {
		int status = gpu_wait(gpu, fence, NULL);

		CHECKF(status == 0 || status == -ENOMEM, "%d", status);
	}
	close(gpu);
	close(dmabuf);
	close_owner(0);
}

TEST_SECONDS(queueing_dma, 300)
{
	every_allocation("dma", both, call_dma, close_all);
}

static long call_launch(void)
{
	return gpu_try_launch(gpu, AI_GPU_FUNCTION_FACTORIAL, 5, &fence);
}

TEST_SECONDS(launch, 300)
{
	every_allocation("launch", both, call_launch, close_all);
}

static long call_open_gpu(void)
{
	return gpu_try_open(0, O_RDWR);
}

TEST_SECONDS(open_gpu, 300)
{
	every_allocation("open of the device", nothing, call_open_gpu, close_it);
}

static char address[16];

static void unbound(void)
{
	kt_write("/sys/bus/pci/drivers/ai_gpu/unbind", address);
}

static long call_bind(void)
{
	return kt_write("/sys/bus/pci/drivers/ai_gpu/bind", address);
}

static void count_devices(long result)
{
	/* Where the fault hit the kernel's own part, binding may have succeeded without a node. */
	CHECK(gpu_count() <= 1 && (result == 0 || gpu_count() == 0));
}

TEST_SECONDS(probe, 900)
{
	gpu = gpu_open(0);
	snprintf(address, sizeof(address), "%s", gpu_info(gpu).address);
	close(gpu);
	depth = FAULT_OWN;
	every_allocation("probe", unbound, call_bind, count_devices);
	CHECK(gpu_count() == 1);
	gpu = gpu_open(0);
	CHECK(gpu_wait(gpu, gpu_launch(gpu, 10), NULL) == 0);
}

static void both_unloaded(void)
{
	module_drop("ai_gpu");
	module_drop("ai_mem");
}

static long call_load(void)
{
	return module_load("ai_mem", "pool_mib=1");
}

static void maybe_unload(long result)
{
	(void)result;
	module_drop("ai_mem");
}

TEST_SECONDS(load, 900)
{
	depth = FAULT_OWN;
	every_allocation("load", both_unloaded, call_load, maybe_unload);
}
