// SPDX-License-Identifier: Apache-2.0
/* Calls of /dev/ai_gpuN with as little typing as cases need. */
#include "gpu.h"

int gpu_try_open(int number, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/ai_gpu%d", number);
	return open(path, flags | O_CLOEXEC);
}

int gpu_open(int number)
{
	return (int)OK(gpu_try_open(number, O_RDWR));
}

struct ai_gpu_info gpu_info(int fd)
{
	struct ai_gpu_info info = {.size = sizeof(info)};

	OK(ioctl(fd, AI_GPU_IOC_INFO, &info));
	return info;
}

int gpu_of_width(bool wide)
{
	for (int number = 0; number < 8; number++) {
		int fd = gpu_try_open(number, O_RDWR);

		if (fd < 0)
			continue;
		bool found = (gpu_info(fd).dma_mask > 0xfffffff) == wide;

		close(fd);
		if (found)
			return number;
	}
	return -1;
}

int gpu_count(void)
{
	int count = 0;

	for (int number = 0; number < 8; number++) {
		int fd = gpu_try_open(number, O_RDONLY);

		if (fd < 0)
			continue;
		count++;
		close(fd);
	}
	return count;
}

int gpu_try_dma(int fd, int dmabuf, unsigned int direction, uint64_t offset, uint64_t address, uint64_t length,
		uint64_t *fence)
{
	struct ai_gpu_dma dma = {.size = sizeof(dma), .dmabuf_fd = dmabuf, .direction = direction, .offset = offset,
				 .device_address = address, .length = length};
	int result = ioctl(fd, AI_GPU_IOC_DMA, &dma);

	*fence = dma.fence;
	return result;
}

int gpu_try_launch(int fd, unsigned int function, uint64_t argument, uint64_t *fence)
{
	struct ai_gpu_launch launch = {.size = sizeof(launch), .function = function, .argument = argument};
	int result = ioctl(fd, AI_GPU_IOC_LAUNCH, &launch);

	*fence = launch.fence;
	return result;
}

int gpu_try_wait(int fd, uint64_t fence, unsigned int timeout_ms, struct ai_gpu_wait *wait)
{
	*wait = (struct ai_gpu_wait){.size = sizeof(*wait), .fence = fence, .timeout_ms = timeout_ms};
	return ioctl(fd, AI_GPU_IOC_WAIT, wait);
}

int gpu_reset(int fd)
{
	struct ai_gpu_reset reset = {.size = sizeof(reset)};

	return ioctl(fd, AI_GPU_IOC_RESET, &reset);
}

uint64_t gpu_dma(int fd, int dmabuf, unsigned int direction, uint64_t offset, uint64_t address, uint64_t length)
{
	uint64_t fence;

	OK(gpu_try_dma(fd, dmabuf, direction, offset, address, length, &fence));
	return fence;
}

uint64_t gpu_launch(int fd, uint64_t argument)
{
	uint64_t fence;

	OK(gpu_try_launch(fd, AI_GPU_FUNCTION_FACTORIAL, argument, &fence));
	return fence;
}

int gpu_wait(int fd, uint64_t fence, struct ai_gpu_wait *wait)
{
	struct ai_gpu_wait own;

	if (!wait)
		wait = &own;
	OK(gpu_try_wait(fd, fence, FOREVER, wait));
	return wait->status;
}

int gpu_to(int fd, int dmabuf, uint64_t offset, uint64_t address, uint64_t length)
{
	return gpu_wait(fd, gpu_dma(fd, dmabuf, AI_GPU_TO_DEVICE, offset, address, length), NULL);
}

int gpu_from(int fd, int dmabuf, uint64_t offset, uint64_t address, uint64_t length)
{
	return gpu_wait(fd, gpu_dma(fd, dmabuf, AI_GPU_FROM_DEVICE, offset, address, length), NULL);
}

struct gpu_buffer gpu_buffer(size_t bytes, unsigned int flags)
{
	struct gpu_buffer buffer = {.owner = mem_open()};

	buffer.data = mem_take(buffer.owner, bytes, flags, &buffer.made);
	buffer.dmabuf = mem_export(buffer.owner, buffer.made.handle);
	return buffer;
}

const char *gpu_folder(int fd)
{
	static char folder[64];

	snprintf(folder, sizeof(folder), "/sys/bus/pci/devices/%.16s", gpu_info(fd).address);
	return folder;
}
