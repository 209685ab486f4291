// SPDX-License-Identifier: Apache-2.0
/* A share of the modules' allocations fails, in their workers too, while programs do what they always do. */
#include "lib/fault.h"
#include "lib/fuzz.h"
#include "lib/gpu.h"

SETUP(ai_mem, "pool_mib=2 idle_ms=10");
SETUP(ai_gpu, "timeout_ms=1000");

static void work(int round)
{
	int fd = open("/dev/ai_mem", O_RDWR | O_CLOEXEC), gpu = gpu_try_open(0, O_RDWR);
	struct ai_mem_alloc made = mem_request((fuzz_below(300) + 1) * BLOCK, round % 2 ? AI_MEM_ALLOC_RING : 0);
	struct ai_gpu_wait wait;
	uint64_t fence;

	if (fd >= 0 && mem_try(fd, &made) == 0) {
		unsigned char *data = mem_try_map(fd, made.mmap_offset, made.bytes);
		int dmabuf = mem_try_export(fd, made.handle, 0);

		if (data != MAP_FAILED) {
			CHECK(all_bytes(data, made.bytes, 0));
			memset(data, 0xd1, made.bytes);
			munmap(data, made.bytes);
		}
		if (gpu >= 0 && dmabuf >= 0 && gpu_try_dma(gpu, dmabuf, 1 + (unsigned int)round % 2, 0, 0, 16, &fence) == 0 &&
		    gpu_try_wait(gpu, fence, FOREVER, &wait) == 0)
			CHECKF(wait.status == 0 || wait.status == -ENOMEM || wait.status == -EIO, "%d", wait.status);
		if (dmabuf >= 0)
			close(dmabuf);
		OK(mem_free(fd, made.handle));
	}
	if (gpu >= 0)
		close(gpu);
	if (fd >= 0)
		close(fd);
}

TEST_SECONDS(a_tenth_of_the_modules_allocations_fails, 900)
{
	long rounds = fuzz_count() / 100 + 20;

	fuzz_start(PROGRAM);
	fault_prepare(FAULT_OWN);
	for (int round = 0; round < rounds; round++) {
		fault_share(round % 3 ? 10 : 30);
		work(round);
		fault_share(0);
	}
	EVENTUALLY(mem_allocated() == 0 && kt_figure(MEM_PROC, "Exports") == 0);
	int gpu = gpu_open(0);

	CHECK(gpu_wait(gpu, gpu_launch(gpu, 10), NULL) == 0);
	EVENTUALLY(gpu_info(gpu).mapped_bytes == 0);
	fuzz_end();
}
