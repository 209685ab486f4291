// SPDX-License-Identifier: GPL-2.0-only
/* Mapping an area and its ring into programs. */
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

#include "ai_mem.h"

#define AI_MEM_HANDLE_PGOFF (AI_MEM_HANDLE_SHIFT - PAGE_SHIFT)
#define AI_MEM_RING_PGOFF   (AI_MEM_RING_BIT >> PAGE_SHIFT)

/* Pages that one fault maps at once: those of one page table. */
#define AI_MEM_FAULT_PAGES PTRS_PER_PTE

/* Pages that are there already (another thread faulted them in) are left alone. */
static int insert(struct vm_area_struct *vma, unsigned long address, struct page **pages,
		  unsigned long nr)
{
	while (nr) {
		unsigned long left = nr;
		unsigned long done;
		int ret;

		ret = vm_insert_pages(vma, address, pages, &left);
		if (!ret)
			return 0;
		if (ret != -EBUSY)
			return ret;
		done = nr - left + 1;
		address += done * PAGE_SIZE;
		pages += done;
		nr -= done;
	}
	return 0;
}

/**
 * ai_mem_fault() - map the page that is missing and its neighbours
 * @vmf: the fault
 * @area: what is mapped; its memory stays while this runs
 * @index: of the faulting page in the area
 *
 * Return: as a fault handler returns.
 */
vm_fault_t ai_mem_fault(struct vm_fault *vmf, struct ai_mem_area *area, unsigned long index)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long first = round_down(vmf->address, AI_MEM_FAULT_PAGES * PAGE_SIZE);
	unsigned long end = first + AI_MEM_FAULT_PAGES * PAGE_SIZE;
	unsigned long before;
	int ret;

	/* mmap() checked the length, and a mapping cannot grow; this is for the day when it can. */
	if (index >= area->nr_pages)
		return VM_FAULT_SIGBUS;
	first = max(first, vma->vm_start);
	before = (vmf->address - first) >> PAGE_SHIFT;
	end = min3(end, vma->vm_end,
		   (vmf->address & PAGE_MASK) + (area->nr_pages - index) * PAGE_SIZE);
	ret = insert(vma, first, area->pages + index - before, (end - first) >> PAGE_SHIFT);
	if (ret)
		return ret == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	return VM_FAULT_NOPAGE;
}

/**
 * ai_mem_vma_init() - how every mapping of the pool's memory is
 * @vma: new mapping
 */
void ai_mem_vma_init(struct vm_area_struct *vma)
{
	/*
	 * Ordinary pages (no VM_IO, no VM_PFNMAP), so that they can be pinned: direct I/O,
	 * io_uring, drivers.
	 */
	vm_flags_set(vma, VM_MIXEDMAP | VM_DONTEXPAND | VM_DONTDUMP);
}

static void data_open(struct vm_area_struct *vma)
{
	struct ai_mem_area *area = vma->vm_private_data;

	/* Fork, split or move: the mapping that is copied keeps the memory until this is done. */
	refcount_inc(&area->keepers);
}

static void data_close(struct vm_area_struct *vma)
{
	ai_mem_area_unkeep(vma->vm_private_data);
}

/* After MADV_DONTNEED; otherwise everything was mapped at once. */
static vm_fault_t data_fault(struct vm_fault *vmf)
{
	return ai_mem_fault(vmf, vmf->vma->vm_private_data, vmf->pgoff & (AI_MEM_RING_PGOFF - 1));
}

static const struct vm_operations_struct data_vm_ops = {
	.open = data_open,
	.close = data_close,
	.fault = data_fault,
};

static int map_data(struct ai_mem_area *area, struct vm_area_struct *vma, unsigned long first)
{
	unsigned long nr = vma_pages(vma);
	unsigned long done, batch;
	int ret;

	if (first >= area->nr_pages || nr > area->nr_pages - first)
		return -EINVAL;
	ai_mem_vma_init(vma);
	for (done = 0; done < nr; done += batch) {
		if (fatal_signal_pending(current))
			return -EINTR;
		batch = min(nr - done, AI_MEM_FAULT_PAGES);
		ret = insert(vma, vma->vm_start + done * PAGE_SIZE, area->pages + first + done,
			     batch);
		if (ret)
			return ret;
		cond_resched();
	}
	vma->vm_private_data = area;
	vma->vm_ops = &data_vm_ops;
	refcount_inc(&area->keepers);
	return 0;
}

/* The mapping refers to the ring's pages, so they outlive the area where they have to. */
static int map_ring(struct ai_mem_area *area, struct vm_area_struct *vma, unsigned long first)
{
	unsigned long pages = area->ring_bytes >> PAGE_SHIFT;
	unsigned long nr = vma_pages(vma);
	unsigned long i;
	int ret;

	if (!area->ring || first >= pages || nr > pages - first)
		return -EINVAL;
	ai_mem_vma_init(vma);
	for (i = 0; i < nr; i++) {
		void *address = area->ring + (first + i) * PAGE_SIZE;

		ret = vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE, vmalloc_to_page(address));
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * ai_mem_mmap() - mmap() of the device
 * @file: open device
 * @vma: its offset says which area, data or ring, and where in it
 *
 * Return: 0, -EINVAL for a private mapping or an offset or length that is not of an area, -ENOMEM,
 *	-EINTR.
 */
int ai_mem_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long handle = vma->vm_pgoff >> AI_MEM_HANDLE_PGOFF;
	unsigned long first = vma->vm_pgoff & (AI_MEM_RING_PGOFF - 1);
	struct ai_mem_area *area;
	int ret;

	/*
	 * MAP_SHARED for reading clears VM_SHARED, so that is not what tells it from MAP_PRIVATE.
	 */
	if (!(vma->vm_flags & VM_MAYSHARE) || handle > AI_MEM_HANDLE_MAX)
		return -EINVAL;
	area = ai_mem_area_find(file->private_data, handle);
	if (!area)
		return -EINVAL;
	if (vma->vm_pgoff & AI_MEM_RING_PGOFF)
		ret = map_ring(area, vma, first);
	else
		ret = map_data(area, vma, first);
	ai_mem_area_unkeep(area);
	return ret;
}
