// SPDX-License-Identifier: Apache-2.0
/* Transfers of QEMU's edu device, which takes 100 ms for each by its own timer; one device, and two at once. */
#include "guest.h"

#define TRANSFERS 10

static uint64_t queue(int gpu, int dmabuf, unsigned int direction)
{
	struct ai_gpu_dma job = { .size = sizeof(job), .dmabuf_fd = dmabuf, .direction = direction, .length = BLOCK };

	MUST(!ioctl(gpu, AI_GPU_IOC_DMA, &job));
	return job.fence;
}

static void collect(int gpu, uint64_t fence)
{
	struct ai_gpu_wait wait = { .size = sizeof(wait), .fence = fence, .timeout_ms = 60000 };

	MUST(!ioctl(gpu, AI_GPU_IOC_WAIT, &wait) && wait.status == 0);
}

/* Milliseconds a transfer when every one of `devices` does TRANSFERS, queued all at once. */
static double transfer_ms(const int *gpus, int devices, const int *dmabufs)
{
	uint64_t last[2] = { 0, 0 };
	double begin = now_us();

	for (int i = 0; i < TRANSFERS; i++)
		for (int at = 0; at < devices; at++)
			last[at] = queue(gpus[at], dmabufs[at], i % 2 ? AI_GPU_FROM_DEVICE : AI_GPU_TO_DEVICE);
	for (int at = 0; at < devices; at++)
		collect(gpus[at], last[at]);
	return (now_us() - begin) / 1e3 / (TRANSFERS * devices);
}

void measure_edu(void)
{
	int fd = mem_open(), gpus[2], dmabufs[2];
	double one, two;

	for (int i = 0; i < 2; i++) {
		char name[] = "/dev/ai_gpu0";

		name[sizeof(name) - 2] = (char)('0' + i);
		gpus[i] = open(name, O_RDWR | O_CLOEXEC);
		MUST(gpus[i] >= 0);
		dmabufs[i] = mem_export(fd, mem_alloc(fd, BLOCK, 0).handle);
	}
	/* Wakes both. */
	transfer_ms(gpus, 2, dmabufs);
	one = transfer_ms(gpus, 1, dmabufs);
	two = transfer_ms(gpus, 2, dmabufs);
	printf("{\"one device\": {\"transfer_ms\": %.3f}, \"two devices\": {\"transfer_ms\": %.3f}}\n", one, two);
}
