// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the device cannot name, without an IOMMU: the CPU copies between it and a page
 * that the device reaches. The copied bytes are counted; a device with enough address bits, or
 * an IOMMU, makes them zero.
 */
#include <linux/dma-buf.h>
#include <linux/iosys-map.h>

#include "ai_gpu.h"

static int copy(struct ai_gpu *gpu, struct dma_buf *buffer, u64 offset, u32 length, bool in)
{
	enum dma_data_direction direction = in ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	struct iosys_map map;
	int end;
	int ret;

	ret = dma_buf_begin_cpu_access(buffer, direction);
	if (ret)
		return ret;
	ret = dma_buf_vmap_unlocked(buffer, &map);
	if (!ret) {
		if (in)
			iosys_map_memcpy_from(gpu->bounce, &map, offset, length);
		else
			iosys_map_memcpy_to(&map, offset, gpu->bounce, length);
		dma_buf_vunmap_unlocked(buffer, &map);
	}
	end = dma_buf_end_cpu_access(buffer, direction);
	return ret ?: end;
}

/**
 * ai_gpu_bounce_in() - bring bytes of a dma-buf to where the device reaches them
 * @gpu: the device; engine mutex held, engine quiet
 * @job: whose dma-buf
 * @offset: in the dma-buf
 * @length: bytes, at most AI_GPU_MEMORY_BYTES
 *
 * Return: 0, or what the exporter of the dma-buf says.
 */
int ai_gpu_bounce_in(struct ai_gpu *gpu, struct ai_gpu_job *job, u64 offset, u32 length)
{
	return copy(gpu, job->buffer, offset, length, true);
}

/**
 * ai_gpu_bounce_out() - bring bytes that the device has written into a dma-buf
 * @gpu: the device; engine mutex held, engine quiet
 * @job: whose dma-buf
 * @offset: in the dma-buf
 * @length: bytes, at most AI_GPU_MEMORY_BYTES
 *
 * Return: 0, or what the exporter of the dma-buf says.
 */
int ai_gpu_bounce_out(struct ai_gpu *gpu, struct ai_gpu_job *job, u64 offset, u32 length)
{
	return copy(gpu, job->buffer, offset, length, false);
}
