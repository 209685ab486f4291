/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Made from codex_agent/kernel/schema/ai_gpu.toml by `python -m codex_agent.kernel.schema`. */
#ifndef _UAPI_CODEX_AI_GPU_H
#define _UAPI_CODEX_AI_GPU_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define AI_GPU_ABI_VERSION	1

/* state of struct ai_gpu_info */
#define AI_GPU_STATE_ACTIVE	0
#define AI_GPU_STATE_FAILED	1	/* does not answer; RESET may help */
#define AI_GPU_STATE_GONE	2	/* removed */

/* direction of struct ai_gpu_dma */
#define AI_GPU_TO_DEVICE	1
#define AI_GPU_FROM_DEVICE	2

/* function of struct ai_gpu_launch */
#define AI_GPU_FUNCTION_FACTORIAL	1	/* 32 bit, modulo 2^32 */

/**
 * struct ai_gpu_info - the device and what it did
 * @size: in: sizeof(struct ai_gpu_info)
 * @flags: in: 0
 * @address: out: PCI address, 0000:00:01.0
 * @vendor: out: PCI vendor
 * @device: out: PCI device
 * @identification: out: the device's own register
 * @state: out: AI_GPU_STATE_*
 * @numa_node: out: -1: not known
 * @functions: out: bit n - 1: LAUNCH function n is offered
 * @memory_bytes: out: device memory that DMA reaches
 * @dma_mask: out: addresses that the device can name
 * @mapped_bytes: out: of dma-bufs mapped for the device now
 * @transfers_to: out: DMA jobs to the device that it completed
 * @transfers_from: out: DMA jobs from the device that it completed
 * @bytes_to: out: of those to the device
 * @bytes_from: out: of those from the device
 * @launches: out: LAUNCH jobs that the device completed
 * @interrupts: out: of the device, that the driver handled
 * @bounced_bytes: out: of the bytes to and from, those that the kernel copied because the device
 *         could not reach them
 * @timeouts: out: jobs that the device did not complete in time
 * @resets: out: resets of the device
 * @queued: out: jobs waiting or running
 * @queue_limit: out: most jobs that can wait
 */
struct ai_gpu_info {
	__u32 size;
	__u32 flags;
	char address[16];
	__u32 vendor;
	__u32 device;
	__u32 identification;
	__u32 state;
	__s32 numa_node;
	__u32 functions;
	__u64 memory_bytes;
	__u64 dma_mask;
	__u64 mapped_bytes;
	__u64 transfers_to;
	__u64 transfers_from;
	__u64 bytes_to;
	__u64 bytes_from;
	__u64 launches;
	__u64 interrupts;
	__u64 bounced_bytes;
	__u64 timeouts;
	__u64 resets;
	__u32 queued;
	__u32 queue_limit;
};

/**
 * struct ai_gpu_dma - queue a transfer between a dma-buf and device memory
 * @size: in: sizeof(struct ai_gpu_dma)
 * @flags: in: 0
 * @dmabuf_fd: in: the dma-buf
 * @direction: in: AI_GPU_TO_DEVICE or AI_GPU_FROM_DEVICE
 * @offset: in: in the dma-buf
 * @device_address: in: in device memory, from 0
 * @length: in: in bytes
 * @fence: out: for WAIT; rises by one with each job of the file
 */
struct ai_gpu_dma {
	__u32 size;
	__u32 flags;
	__s32 dmabuf_fd;
	__u32 direction;
	__u64 offset;
	__u64 device_address;
	__u64 length;
	__u64 fence;
};

/**
 * struct ai_gpu_launch - queue a computation
 * @size: in: sizeof(struct ai_gpu_launch)
 * @flags: in: 0
 * @function: in: AI_GPU_FUNCTION_*
 * @reserved: in: 0
 * @argument: in: of the function
 * @fence: out: for WAIT
 */
struct ai_gpu_launch {
	__u32 size;
	__u32 flags;
	__u32 function;
	__u32 reserved;
	__u64 argument;
	__u64 fence;
};

/**
 * struct ai_gpu_wait - wait for a job and collect what it left
 * @size: in: sizeof(struct ai_gpu_wait)
 * @flags: in: 0
 * @fence: in: job to wait for
 * @timeout_ms: in: 0 asks only, 0xffffffff waits without limit
 * @status: out: 0, or a negative errno of the job
 * @result: out: of LAUNCH
 * @bounced_bytes: out: bytes of the job that the kernel copied
 */
struct ai_gpu_wait {
	__u32 size;
	__u32 flags;
	__u64 fence;
	__u32 timeout_ms;
	__s32 status;
	__u64 result;
	__u64 bounced_bytes;
};

/**
 * struct ai_gpu_reset - stop the device, fail what it was doing and start it anew
 * @size: in: sizeof(struct ai_gpu_reset)
 * @flags: in: 0
 */
struct ai_gpu_reset {
	__u32 size;
	__u32 flags;
};

#define AI_GPU_IOC_INFO		_IO('A', 0xa0)	/* struct ai_gpu_info */
#define AI_GPU_IOC_DMA		_IO('A', 0xa1)	/* struct ai_gpu_dma */
#define AI_GPU_IOC_LAUNCH	_IO('A', 0xa2)	/* struct ai_gpu_launch */
#define AI_GPU_IOC_WAIT		_IO('A', 0xa3)	/* struct ai_gpu_wait */
#define AI_GPU_IOC_RESET	_IO('A', 0xa4)	/* struct ai_gpu_reset */

#endif
