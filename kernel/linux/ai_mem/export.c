// SPDX-License-Identifier: GPL-2.0-only
/* dma-bufs: how an area reaches devices and other programs. */
#include <linux/cleanup.h>
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ai_features.h"
#include "ai_mem.h"

#ifdef AI_HAVE_IMPORT_NS_STRING
MODULE_IMPORT_NS("DMA_BUF");
#else
MODULE_IMPORT_NS(DMA_BUF);
#endif

/*
 * The dma-buf's file keeps the export while a mapping exists; revocation is excluded while a page
 * is inserted.
 */
static vm_fault_t export_fault(struct vm_fault *vmf)
{
	struct ai_mem_dmabuf *export = vmf->vma->vm_private_data;
	struct ai_mem_area *area = export->area;

	guard(rwsem_read)(&area->lock);
	if (area->revoked)
		return VM_FAULT_SIGBUS;
	return ai_mem_fault(vmf, area, vmf->pgoff);
}

static const struct vm_operations_struct export_vm_ops = {
	.fault = export_fault,
};

/*
 * Nothing is inserted here: this mapping is not yet where revocation could find it, so a page
 * inserted now could stay. Faults come when it is.
 */
static int export_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct ai_mem_dmabuf *export = dmabuf->priv;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	guard(rwsem_read)(&export->area->lock);
	if (export->area->revoked)
		return -ENODEV;
	ai_mem_vma_init(vma);
	vma->vm_private_data = export;
	vma->vm_ops = &export_vm_ops;
	return 0;
}

/* A mapping into the kernel cannot be revoked, so it keeps the memory. */
static int export_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct ai_mem_dmabuf *export = dmabuf->priv;
	struct ai_mem_area *area = export->area;
	void *address;

	guard(rwsem_read)(&area->lock);
	if (area->revoked)
		return -ENODEV;
	address = vmap(area->pages, area->nr_pages, VM_MAP,
		       export->read_only ? PAGE_KERNEL_RO : PAGE_KERNEL);
	if (!address)
		return -ENOMEM;
	refcount_inc(&area->keepers);
	iosys_map_set_vaddr(map, address);
	return 0;
}

static void export_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct ai_mem_dmabuf *export = dmabuf->priv;

	vunmap(map->vaddr);
	ai_mem_area_unkeep(export->area);
}

static void export_release(struct dma_buf *dmabuf)
{
	struct ai_mem_dmabuf *export = dmabuf->priv;
	struct ai_mem_area *area = export->area;
	bool kept;

	scoped_guard(rwsem_write, &area->lock) {
		list_del(&export->entry);
		kept = export->keeps;
	}
	ai_mem_count_exports(-1);
	if (kept)
		ai_mem_area_unkeep(area);
	ai_mem_area_put(area);
	iput(export->inode);
	mutex_destroy(&export->attach_lock);
	kfree(export);
}

static const struct dma_buf_ops export_ops = {
	.attach = ai_mem_attach,
	.detach = ai_mem_detach,
	.map_dma_buf = ai_mem_map_dma,
	.unmap_dma_buf = ai_mem_unmap_dma,
	.begin_cpu_access = ai_mem_begin_cpu,
	.end_cpu_access = ai_mem_end_cpu,
	.mmap = export_mmap,
	.vmap = export_vmap,
	.vunmap = export_vunmap,
	.release = export_release,
};

/**
 * ai_mem_export() - make a dma-buf of an area
 * @area: the caller is a keeper of it, and its owner lives until this returns
 * @read_only: neither programs nor devices may write through it
 *
 * Return: the dma-buf, which holds a reference to the module, or an error pointer.
 */
struct dma_buf *ai_mem_export(struct ai_mem_area *area, bool read_only)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct ai_mem_dmabuf *export;
	struct dma_buf *dmabuf;

	export = kzalloc(sizeof(*export), GFP_KERNEL_ACCOUNT);
	if (!export)
		return ERR_PTR(-ENOMEM);
	export->area = area;
	export->read_only = read_only;
	export->keeps = true;
	mutex_init(&export->attach_lock);
	INIT_LIST_HEAD(&export->attachments);

	info.ops = &export_ops;
	info.size = ai_mem_area_bytes(area);
	info.flags = read_only ? O_RDONLY : O_RDWR;
	info.priv = export;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		mutex_destroy(&export->attach_lock);
		kfree(export);
		return dmabuf;
	}

	/* From here on it is released through export_release(). */
	export->inode = file_inode(dmabuf->file);
	ihold(export->inode);
	kref_get(&area->ref);
	refcount_inc(&area->keepers);
	ai_mem_count_exports(1);
	scoped_guard(rwsem_write, &area->lock)
		list_add_tail(&export->entry, &area->exports);
	return dmabuf;
}
