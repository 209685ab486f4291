/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of ai_mem share. */
#ifndef _AI_MEM_INTERNAL_H
#define _AI_MEM_INTERNAL_H

#include <linux/dma-direction.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/xarray.h>

#include <codex/ai_mem.h>

#include "pool.h"

struct cgroup;
struct file;
struct inode;

/*
 * An offset for mmap() of the device: the handle, one bit that tells the ring from the data, the
 * offset in the area. The widths keep the whole inside the 63 bits of an off_t.
 */
#define AI_MEM_HANDLE_SHIFT   40
#define AI_MEM_HANDLE_MAX     ((1U << 22) - 1)
#define AI_MEM_RING_BIT	      (1ULL << (AI_MEM_HANDLE_SHIFT - 1))
#define AI_MEM_AREA_BYTES_MAX AI_MEM_RING_BIT

/**
 * struct ai_mem_group - what the owners in one cgroup hold
 * @entry: in the list of all groups, under ai_mem_accounts.lock
 * @cgroup: pinned cgroup of the v2 hierarchy
 * @users: owners and areas that point here, under ai_mem_accounts.lock
 * @charged: bytes held or about to be, under ai_mem_accounts.lock
 */
struct ai_mem_group {
	struct list_head entry;
	struct cgroup *cgroup;
	unsigned long users;
	u64 charged;
};

/**
 * struct ai_mem_owner - an open file of the device
 * @entry: in the list of all owners, under ai_mem_owners_lock
 * @pid: thread group that opened the file
 * @uid: user who opened it
 * @group: cgroup in which it was opened, NULL without cgroups
 * @handles: handle to area
 * @next_handle: where the search for a free handle starts, under the lock of @handles
 * @areas: what it holds, freed handles included, under ai_mem_accounts.lock
 * @charged: bytes held or about to be, under ai_mem_accounts.lock
 * @bytes: bytes held, under ai_mem_accounts.lock
 */
struct ai_mem_owner {
	struct list_head entry;
	struct pid *pid;
	kuid_t uid;
	struct ai_mem_group *group;
	struct xarray handles;
	u32 next_handle;
	struct list_head areas;
	u64 charged;
	u64 bytes;
};

/**
 * struct ai_mem_area - memory of one ALLOC
 * @ref: of this structure: one while it has memory, one for each dma-buf
 * @keepers: of the memory: the handle, each mapping of the device, each dma-buf until it is
 *	revoked, each attachment of a device and each mapping into the kernel. The memory goes back
 *	when the last ends.
 * @lock: write-held while @revoked and @exports change; read-held to rely on them
 * @revoked: the owner died: programs cannot reach the memory any more
 * @exports: dma-bufs of this area, under @lock
 * @owner: NULL once the owner died, under ai_mem_accounts.lock
 * @entry: in the owner's list, under ai_mem_accounts.lock
 * @group: cgroup that is charged until the memory is back, NULL without cgroups
 * @counted: its ALLOC succeeded, under ai_mem_accounts.lock
 * @orphaned: outlives its owner, under ai_mem_accounts.lock
 * @returned: memory went back, under ai_mem_accounts.lock
 * @flags: AI_MEM_ALLOC_*
 * @pages: its memory, block by block
 * @nr_pages: length of @pages
 * @ring: free ring, of memory that the kernel writes once and never reads; NULL without
 * @ring_bytes: its length, whole pages
 */
struct ai_mem_area {
	struct kref ref;
	refcount_t keepers;
	struct rw_semaphore lock;
	bool revoked;
	struct list_head exports;
	struct ai_mem_owner *owner;
	struct list_head entry;
	struct ai_mem_group *group;
	bool counted;
	bool orphaned;
	bool returned;
	u32 flags;
	struct page **pages;
	unsigned long nr_pages;
	void *ring;
	size_t ring_bytes;
};

/**
 * struct ai_mem_dmabuf - an open dma-buf of an area
 * @area: the memory
 * @entry: in the area's list
 * @inode: of the dma-buf, pinned: the mappings that revocation has to find are in its address space
 * @read_only: exported for reading only
 * @keeps: it still is a keeper of the memory, under the area's lock
 * @attach_lock: protects @attachments and what is mapped for them
 * @attachments: devices
 */
struct ai_mem_dmabuf {
	struct ai_mem_area *area;
	struct list_head entry;
	struct inode *inode;
	bool read_only;
	bool keeps;
	struct mutex attach_lock; /* see above */
	struct list_head attachments;
};

/**
 * struct ai_mem_accounts - figures of all owners together
 * @lock: protects them, and what the other structures say is under it
 * @charged: bytes held or about to be
 * @allocated: bytes held, by owners or by what outlives them
 * @peak: most that @allocated has ever been
 * @orphaned: bytes that outlive their owners
 * @allocations: since load
 * @frees: allocations that ended, since load
 * @failures: allocations refused for want of room, since load
 * @owners: those that hold memory
 * @exports: open dma-bufs
 * @groups: cgroups that somebody charges or has charged
 */
struct ai_mem_accounts {
	spinlock_t lock; /* see above */
	u64 charged;
	u64 allocated;
	u64 peak;
	u64 orphaned;
	u64 allocations;
	u64 frees;
	u64 failures;
	u32 owners;
	u32 exports;
	struct list_head groups;
};

extern struct ai_mem_accounts ai_mem_accounts;

static inline u64 ai_mem_area_bytes(const struct ai_mem_area *area)
{
	return (u64)area->nr_pages << PAGE_SHIFT;
}

/* main.c: parameters */
extern bool ai_mem_require_admin;
extern u64 ai_mem_owner_limit;
extern u64 ai_mem_cgroup_limit;

/* ioctl.c */
long ai_mem_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* alloc.c */
struct ai_mem_area *ai_mem_area_alloc(struct ai_mem_owner *owner, u64 bytes, u32 flags, int nid);
struct ai_mem_area *ai_mem_area_find(struct ai_mem_owner *owner, u32 handle);
void ai_mem_area_put(struct ai_mem_area *area);
void ai_mem_area_unkeep(struct ai_mem_area *area);
void ai_mem_area_orphan(struct ai_mem_area *area);

/* owner.c */
extern struct list_head ai_mem_owners;
extern struct mutex ai_mem_owners_lock;
struct ai_mem_owner *ai_mem_owner_create(void);
void ai_mem_owner_destroy(struct ai_mem_owner *owner);
int ai_mem_charge(struct ai_mem_owner *owner, u64 bytes);
void ai_mem_uncharge(struct ai_mem_owner *owner, u64 bytes, bool no_room);
void ai_mem_commit(struct ai_mem_owner *owner, struct ai_mem_area *area);
void ai_mem_count_allocation(struct ai_mem_area *area);
void ai_mem_settle(struct ai_mem_area *area);
void ai_mem_outlive(struct ai_mem_area *area);
void ai_mem_count_exports(int change);
bool ai_mem_in_use(void);
void ai_mem_stat(struct ai_mem_owner *owner, struct ai_mem_stat *stat);

/* group.c; every function under ai_mem_accounts.lock unless it says otherwise */
struct ai_mem_group *ai_mem_group_join(void);
void ai_mem_group_leave(struct ai_mem_group *group);
void ai_mem_group_get(struct ai_mem_group *group);
struct ai_mem_group *ai_mem_group_put(struct ai_mem_group *group);
void ai_mem_group_free(struct ai_mem_group *group);
u64 ai_mem_group_bytes(void);
const char *ai_mem_group_path(struct ai_mem_group *group, char *buffer, size_t size);

/* map.c */
int ai_mem_mmap(struct file *file, struct vm_area_struct *vma);
void ai_mem_vma_init(struct vm_area_struct *vma);
vm_fault_t ai_mem_fault(struct vm_fault *vmf, struct ai_mem_area *area, unsigned long index);

/* ring.c */
int ai_mem_ring_create(struct ai_mem_area *area);

/* export.c */
struct dma_buf *ai_mem_export(struct ai_mem_area *area, bool read_only);

/* attach.c */
struct dma_buf;
struct dma_buf_attachment;
struct sg_table;
int ai_mem_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment);
void ai_mem_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment);
struct sg_table *ai_mem_map_dma(struct dma_buf_attachment *attachment,
				enum dma_data_direction direction);
void ai_mem_unmap_dma(struct dma_buf_attachment *attachment, struct sg_table *table,
		      enum dma_data_direction direction);
int ai_mem_begin_cpu(struct dma_buf *dmabuf, enum dma_data_direction direction);
int ai_mem_end_cpu(struct dma_buf *dmabuf, enum dma_data_direction direction);

/* proc.c */
int ai_mem_proc_create(void);
void ai_mem_proc_remove(void);

#endif
