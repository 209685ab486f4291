/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of /dev/ai_gpuN with as little typing as cases need. */
#ifndef GPU_H
#define GPU_H

#include <codex/ai_gpu.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "kt.h"
#include "mem.h"

#define GPU_PROC "/proc/ai_gpu"
#define GPU_MEMORY 4096U
#define FOREVER 0xffffffffU

int gpu_try_open(int number, int flags);

/* Open; the case fails when the node does not come. */
int gpu_open(int number);

struct ai_gpu_info gpu_info(int fd);

/* The first device that has (wide) or lacks (narrow) more than edu's own 28 address bits; -1 when there is none. */
int gpu_of_width(bool wide);

/* Devices that are driven now. */
int gpu_count(void);

/* -1 and errno, or 0 and the fence. */
int gpu_try_dma(int fd, int dmabuf, unsigned int direction, uint64_t offset, uint64_t address, uint64_t length,
		uint64_t *fence);
int gpu_try_launch(int fd, unsigned int function, uint64_t argument, uint64_t *fence);
int gpu_try_wait(int fd, uint64_t fence, unsigned int timeout_ms, struct ai_gpu_wait *wait);
int gpu_reset(int fd);

/* Queue; the case fails when it is refused. */
uint64_t gpu_dma(int fd, int dmabuf, unsigned int direction, uint64_t offset, uint64_t address, uint64_t length);
uint64_t gpu_launch(int fd, uint64_t argument);

/* Wait for a job without limit: its status, what it left in *wait. */
int gpu_wait(int fd, uint64_t fence, struct ai_gpu_wait *wait);

/* A transfer from its queueing to its end; its status. */
int gpu_to(int fd, int dmabuf, uint64_t offset, uint64_t address, uint64_t length);
int gpu_from(int fd, int dmabuf, uint64_t offset, uint64_t address, uint64_t length);

/* A buffer of the pool with its dma-buf. */
struct gpu_buffer {
	int owner;
	int dmabuf;
	unsigned char *data;
	struct ai_mem_alloc made;
};

struct gpu_buffer gpu_buffer(size_t bytes, unsigned int flags);

/* Folder of the device in sysfs, "/sys/bus/pci/devices/0000:00:03.0". */
const char *gpu_folder(int fd);

#endif
