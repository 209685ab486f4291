/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* Generated from codex_agent/kernel/schema/ai_gpu.toml; do not edit. */
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

struct ai_gpu_info {
	__u32 size;
	__u32 flags;		/* in: 0 */
	char address[16];	/* out: PCI address, 0000:00:01.0 */
	__u32 vendor;
	__u32 device;
	__u32 identification;	/* out: the device's own register */
	__u32 state;
	__s32 numa_node;	/* -1: not known */
	__u32 functions;	/* out: bit n - 1: LAUNCH function n is offered */
	__u64 memory_bytes;	/* out: device memory that DMA reaches */
	__u64 dma_mask;
	__u64 mapped_bytes;	/* out: of dma-bufs mapped for the device now */
	__u64 transfers_to;	/* out: DMA jobs that the device completed */
	__u64 transfers_from;
	__u64 bytes_to;
	__u64 bytes_from;
	__u64 launches;
	__u64 interrupts;
	__u64 bounced_bytes;	/* out: of those, bytes that the kernel copied because the device could not reach them */
	__u64 timeouts;
	__u64 resets;
	__u32 queued;		/* out: jobs waiting or running */
	__u32 queue_limit;
};

struct ai_gpu_dma {
	__u32 size;
	__u32 flags;		/* in: 0 */
	__s32 dmabuf_fd;
	__u32 direction;
	__u64 offset;		/* in: in the dma-buf */
	__u64 device_address;	/* in: in device memory, from 0 */
	__u64 length;
	__u64 fence;		/* out: for WAIT; rises by one with each job of the file */
};

struct ai_gpu_launch {
	__u32 size;
	__u32 flags;		/* in: 0 */
	__u32 function;
	__u32 reserved;		/* in: 0 */
	__u64 argument;
	__u64 fence;		/* out */
};

struct ai_gpu_wait {
	__u32 size;
	__u32 flags;		/* in: 0 */
	__u64 fence;		/* in: job to wait for */
	__u32 timeout_ms;	/* in: 0 asks only, 0xffffffff waits without limit */
	__s32 status;		/* out: 0, or a negative errno of the job */
	__u64 result;		/* out: of LAUNCH */
	__u64 bounced_bytes;	/* out: bytes of the job that the kernel copied */
};

struct ai_gpu_reset {
	__u32 size;
	__u32 flags;		/* in: 0 */
};

#define AI_GPU_IOC_INFO		_IO('A', 0xa0)
#define AI_GPU_IOC_DMA		_IO('A', 0xa1)
#define AI_GPU_IOC_LAUNCH	_IO('A', 0xa2)
#define AI_GPU_IOC_WAIT		_IO('A', 0xa3)
#define AI_GPU_IOC_RESET	_IO('A', 0xa4)

#endif
