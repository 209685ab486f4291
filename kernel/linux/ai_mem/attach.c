// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are attached to a dma-buf: they keep the memory, dead owner or not, because DMA
 * cannot be revoked.
 */
#include <linux/cleanup.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "ai_mem.h"

/**
 * struct ai_mem_device - a device attached to an export
 * @entry: in the export's list
 * @dev: the device
 * @table: what is mapped for it now, or NULL
 * @direction: of that mapping
 *
 * An importer that maps one attachment several times gets several tables; the CPU's accesses are
 * synchronised with the last one.
 */
struct ai_mem_device {
	struct list_head entry;
	struct device *dev;
	struct sg_table *table;
	enum dma_data_direction direction;
};

/**
 * ai_mem_attach() - a device is attached
 * @dmabuf: to this one
 * @attachment: of the device
 *
 * Return: 0, -ENODEV when the owner is dead, or -ENOMEM.
 */
int ai_mem_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct ai_mem_dmabuf *export = dmabuf->priv;
	struct ai_mem_device *device;

	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	device->dev = attachment->dev;

	scoped_guard(rwsem_read, &export->area->lock) {
		if (export->area->revoked) {
			kfree(device);
			return -ENODEV;
		}
		refcount_inc(&export->area->keepers);
	}
	attachment->priv = device;
	scoped_guard(mutex, &export->attach_lock)
		list_add_tail(&device->entry, &export->attachments);
	return 0;
}

/**
 * ai_mem_detach() - a device is detached
 * @dmabuf: from this one
 * @attachment: of the device; nothing is mapped for it any more
 */
void ai_mem_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct ai_mem_dmabuf *export = dmabuf->priv;
	struct ai_mem_device *device = attachment->priv;

	scoped_guard(mutex, &export->attach_lock)
		list_del(&device->entry);
	kfree(device);
	ai_mem_area_unkeep(export->area);
}

/* Segments that the device takes and that can be bounced where it cannot reach the memory. */
static unsigned int max_segment(struct device *dev)
{
	size_t most = min_t(size_t, dma_get_max_seg_size(dev), dma_max_mapping_size(dev));

	return clamp_t(size_t, round_down(most, PAGE_SIZE), PAGE_SIZE,
		       round_down(UINT_MAX, PAGE_SIZE));
}

/**
 * ai_mem_map_dma() - map an area for a device
 * @attachment: of the device, which keeps the memory
 * @direction: of the transfers
 *
 * Return: the table to walk, or an error pointer: -EACCES for a device that would write through a
 *	read-only dma-buf.
 */
struct sg_table *ai_mem_map_dma(struct dma_buf_attachment *attachment,
				enum dma_data_direction direction)
{
	struct ai_mem_dmabuf *export = attachment->dmabuf->priv;
	struct ai_mem_device *device = attachment->priv;
	struct ai_mem_area *area = export->area;
	struct sg_table *table;
	int ret;

	if (export->read_only && direction != DMA_TO_DEVICE)
		return ERR_PTR(-EACCES);
	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table_from_pages_segment(table, area->pages, area->nr_pages, 0,
						ai_mem_area_bytes(area), max_segment(device->dev),
						GFP_KERNEL);
	if (ret)
		goto free;
	ret = dma_map_sgtable(device->dev, table, direction, 0);
	if (ret)
		goto free_table;
	scoped_guard(mutex, &export->attach_lock) {
		device->table = table;
		device->direction = direction;
	}
	return table;

free_table:
	sg_free_table(table);
free:
	kfree(table);
	return ERR_PTR(ret);
}

/**
 * ai_mem_unmap_dma() - undo ai_mem_map_dma()
 * @attachment: of the device
 * @table: from there
 * @direction: as there
 */
void ai_mem_unmap_dma(struct dma_buf_attachment *attachment, struct sg_table *table,
		      enum dma_data_direction direction)
{
	struct ai_mem_dmabuf *export = attachment->dmabuf->priv;
	struct ai_mem_device *device = attachment->priv;

	scoped_guard(mutex, &export->attach_lock)
		if (device->table == table)
			device->table = NULL;
	dma_unmap_sgtable(device->dev, table, direction, 0);
	sg_free_table(table);
	kfree(table);
}

/**
 * ai_mem_begin_cpu() - the CPU is going to look at what devices wrote
 * @dmabuf: the memory
 * @direction: of the transfers
 *
 * Return: 0.
 */
int ai_mem_begin_cpu(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct ai_mem_dmabuf *export = dmabuf->priv;
	struct ai_mem_device *device;

	guard(mutex)(&export->attach_lock);
	list_for_each_entry(device, &export->attachments, entry)
		if (device->table)
			dma_sync_sgtable_for_cpu(device->dev, device->table, device->direction);
	return 0;
}

/**
 * ai_mem_end_cpu() - the CPU has looked or written; devices may go on
 * @dmabuf: the memory
 * @direction: of the transfers
 *
 * Return: 0.
 */
int ai_mem_end_cpu(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct ai_mem_dmabuf *export = dmabuf->priv;
	struct ai_mem_device *device;

	guard(mutex)(&export->attach_lock);
	list_for_each_entry(device, &export->attachments, entry)
		if (device->table)
			dma_sync_sgtable_for_device(device->dev, device->table, device->direction);
	return 0;
}
