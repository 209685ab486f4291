// SPDX-License-Identifier: GPL-2.0-only
/*
 * A transfer between a dma-buf and device memory. The exporter decides what the memory looks
 * like to the device: segments of any length, not contiguous. Each is cut to what the device
 * takes at once.
 */
#include <linux/dma-buf.h>
#include <linux/dma-direct.h>
#include <linux/iommu.h>
#include <linux/iosys-map.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>

#include "ai_gpu.h"

/* Where the device finds what is at @offset of the buffer, and for how many bytes on. */
static int device_segment(struct sg_table *table, u64 offset, dma_addr_t *address, u64 *length)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(table, sg, i) {
		if (offset < sg_dma_len(sg)) {
			*address = sg_dma_address(sg) + offset;
			*length = sg_dma_len(sg) - offset;
			return 0;
		}
		offset -= sg_dma_len(sg);
	}
	return -EIO;
}

/*
 * Where the CPU finds it, and for how many bytes on; false when it is not in pages (another
 * device's memory).
 */
static bool memory_segment(struct sg_table *table, u64 offset, phys_addr_t *address, u64 *length)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_sg(table, sg, i) {
		if (offset < sg->length) {
			*address = sg_phys(sg) + offset;
			*length = sg->length - offset;
			return sg_page(sg);
		}
		offset -= sg->length;
	}
	return false;
}

static phys_addr_t translate(struct ai_gpu *gpu, dma_addr_t address)
{
	struct device *dev = &gpu->pdev->dev;

	if (ai_gpu_translated(gpu))
		return iommu_iova_to_phys(iommu_get_domain_for_dev(dev), address);
	return dma_to_phys(dev, address);
}

/*
 * How many bytes of a piece that is contiguous for the device are not in the buffer's own
 * pages: there the kernel has put a bounce buffer (swiotlb) between.
 */
static u64 kernel_copies(struct ai_gpu *gpu, struct sg_table *table, u64 offset, dma_addr_t address,
			 u64 length)
{
	u64 copies = 0;
	phys_addr_t page;
	u64 run;

	while (length && memory_segment(table, offset, &page, &run)) {
		run = min3(run, length, PAGE_SIZE - offset_in_page(address));
		if (translate(gpu, address) != page)
			copies += run;
		offset += run;
		address += run;
		length -= run;
	}
	return copies;
}

/*
 * Lets the device copy. After an error its engine may still be at it; it must not meet what the
 * pages become when they are unmapped.
 */
static int copy(struct ai_gpu *gpu, u32 direction, dma_addr_t memory, u32 inside, u32 length,
		unsigned long deadline)
{
	int ret = ai_gpu_edu_copy(gpu, direction, memory, inside, length, deadline);

	if (ret)
		ai_gpu_recover(gpu);
	return ret;
}

/* One piece that is contiguous for the device. */
static int transfer_piece(struct ai_gpu *gpu, struct ai_gpu_job *job, struct sg_table *table,
			  u64 done, u32 *length, unsigned long deadline)
{
	u32 inside = job->device_address + done;
	u64 offset = job->offset + done;
	dma_addr_t address;
	bool reached;
	u64 run;
	int ret;

	ret = device_segment(table, offset, &address, &run);
	if (ret)
		return ret;
	*length = min3(run, job->length - done, (u64)AI_GPU_MEMORY_BYTES);
	reached = address <= gpu->reach && *length - 1 <= gpu->reach - address;
	if (reached) {
		job->bounced_bytes += kernel_copies(gpu, table, offset, address, *length);
		return copy(gpu, job->direction, address, inside, *length, deadline);
	}
	if (!gpu->bounce)
		return -EIO;
	job->bounced_bytes += *length;
	if (job->direction == AI_GPU_TO_DEVICE) {
		ret = ai_gpu_bounce_in(gpu, job, offset, *length);
		if (ret)
			return ret;
	}
	ret = copy(gpu, job->direction, gpu->bounce_dma, inside, *length, deadline);
	if (ret || job->direction == AI_GPU_TO_DEVICE)
		return ret;
	return ai_gpu_bounce_out(gpu, job, offset, *length);
}

static int transfer(struct ai_gpu *gpu, struct ai_gpu_job *job, struct sg_table *table)
{
	unsigned long deadline = jiffies + ai_gpu_timeout();
	u32 length;
	u64 done;
	int ret;

	for (done = 0; done < job->length; done += length) {
		ret = transfer_piece(gpu, job, table, done, &length, deadline);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * ai_gpu_job_dma() - run a transfer
 * @gpu: the device; awake, engine mutex held
 * @job: the transfer
 *
 * When this returns the buffer is not mapped for the device, and the engine is quiet.
 *
 * Return: 0 when the device has moved every byte, or a negative errno.
 */
int ai_gpu_job_dma(struct ai_gpu *gpu, struct ai_gpu_job *job)
{
	enum dma_data_direction direction = job->direction == AI_GPU_TO_DEVICE ? DMA_TO_DEVICE :
										 DMA_FROM_DEVICE;
	struct dma_buf_attachment *attachment;
	struct sg_table *table;
	int ret;

	attachment = dma_buf_attach(job->buffer, &gpu->pdev->dev);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	table = dma_buf_map_attachment_unlocked(attachment, direction);
	ret = PTR_ERR_OR_ZERO(table);
	if (ret)
		goto detach;
	atomic64_add(job->buffer->size, &gpu->mapped_bytes);
	ret = transfer(gpu, job, table);
	atomic64_sub(job->buffer->size, &gpu->mapped_bytes);
	dma_buf_unmap_attachment_unlocked(attachment, table, direction);
detach:
	dma_buf_detach(job->buffer, attachment);
	return ret;
}
