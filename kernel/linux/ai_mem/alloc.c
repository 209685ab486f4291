// SPDX-License-Identifier: GPL-2.0-only
/*
 * Areas: the memory of one ALLOC from its beginning to the moment when the last that keeps it ends.
 */
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ai_mem.h"

/**
 * ai_mem_area_alloc() - allocate
 * @owner: who gets it
 * @bytes: whole blocks, not more than the pool
 * @flags: AI_MEM_ALLOC_*
 * @nid: NUMA node, or NUMA_NO_NODE
 *
 * Return: an area that the caller is the only keeper of, or an error pointer: -EDQUOT, -ENOMEM,
 *	-ERESTARTSYS.
 */
struct ai_mem_area *ai_mem_area_alloc(struct ai_mem_owner *owner, u64 bytes, u32 flags, int nid)
{
	struct ai_mem_want want = {
		.nr = bytes >> PAGE_SHIFT,
		.nid = nid,
		.strict = nid != NUMA_NO_NODE,
		.run = flags & AI_MEM_ALLOC_CONTIGUOUS,
	};
	struct ai_mem_area *area;
	int ret;

	ret = ai_mem_charge(owner, bytes);
	if (ret)
		return ERR_PTR(ret);

	area = kzalloc(sizeof(*area), GFP_KERNEL_ACCOUNT);
	if (!area) {
		ret = -ENOMEM;
		goto uncharge;
	}
	kref_init(&area->ref);
	refcount_set(&area->keepers, 1);
	init_rwsem(&area->lock);
	INIT_LIST_HEAD(&area->exports);
	INIT_LIST_HEAD(&area->entry);
	area->flags = flags;
	area->nr_pages = want.nr;
	area->pages =
		kvmalloc_array(want.nr, sizeof(*area->pages), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!area->pages) {
		ret = -ENOMEM;
		goto free_area;
	}
	if (flags & AI_MEM_ALLOC_RING) {
		ret = ai_mem_ring_create(area);
		if (ret)
			goto free_pages;
	}
	want.pages = area->pages;
	ret = ai_mem_pool_get(&want);
	if (ret)
		goto free_ring;

	ai_mem_commit(owner, area);
	return area;

free_ring:
	vfree(area->ring);
free_pages:
	kvfree(area->pages);
free_area:
	kfree(area);
uncharge:
	ai_mem_uncharge(owner, bytes, ret == -ENOMEM);
	return ERR_PTR(ret);
}

/**
 * ai_mem_area_find() - the area of a handle
 * @owner: whose handle
 * @handle: from ALLOC
 *
 * Return: the area, with one more keeper, or NULL.
 */
struct ai_mem_area *ai_mem_area_find(struct ai_mem_owner *owner, u32 handle)
{
	struct ai_mem_area *area;

	xa_lock(&owner->handles);
	area = xa_load(&owner->handles, handle);
	if (area)
		refcount_inc(&area->keepers);
	xa_unlock(&owner->handles);
	return area;
}

static void area_release(struct kref *ref)
{
	kfree(container_of(ref, struct ai_mem_area, ref));
}

/**
 * ai_mem_area_put() - drop a reference to the structure
 * @area: may be freed
 */
void ai_mem_area_put(struct ai_mem_area *area)
{
	kref_put(&area->ref, area_release);
}

/**
 * ai_mem_area_unkeep() - a keeper of the memory ends; the last gives the memory back
 * @area: may be freed
 */
void ai_mem_area_unkeep(struct ai_mem_area *area)
{
	if (!refcount_dec_and_test(&area->keepers))
		return;
	ai_mem_pool_give(area->pages, area->nr_pages, false);
	ai_mem_settle(area);
	kvfree(area->pages);
	vfree(area->ring);
	ai_mem_area_put(area);
}

/*
 * From here on nobody reaches the memory through a dma-buf but the devices that are attached and
 * kernel mappings that exist.
 */
static unsigned int revoke(struct ai_mem_area *area)
{
	struct ai_mem_dmabuf *export;
	unsigned int kept = 0;

	guard(rwsem_write)(&area->lock);
	area->revoked = true;
	list_for_each_entry(export, &area->exports, entry) {
		/*
		 * A fault that comes now waits for the lock and then sees that the area is revoked.
		 */
		unmap_mapping_range(export->inode->i_mapping, 0, 0, 1);
		kept += export->keeps;
		export->keeps = false;
	}
	return kept;
}

static bool shared_on(struct ai_mem_area *area)
{
	guard(rwsem_read)(&area->lock);
	return (area->flags & AI_MEM_ALLOC_SHARED) && !list_empty(&area->exports);
}

/**
 * ai_mem_area_orphan() - the owner died while something else kept the memory
 * @area: of the dead owner; the caller holds a reference
 */
void ai_mem_area_orphan(struct ai_mem_area *area)
{
	unsigned int kept;

	if (!shared_on(area))
		for (kept = revoke(area); kept; kept--)
			ai_mem_area_unkeep(area);
	ai_mem_outlive(area);
}
