// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's calls: checking what comes in, writing what goes out. No lock is held while a
 * program's memory is touched.
 */
#include <linux/capability.h>
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/nodemask.h>
#include <linux/uaccess.h>

#include "ai_mem.h"

#define ALLOC_FLAGS (AI_MEM_ALLOC_CONTIGUOUS | AI_MEM_ALLOC_RING | AI_MEM_ALLOC_SHARED)

union command {
	u32 size;
	struct ai_mem_alloc alloc;
	struct ai_mem_export export;
	struct ai_mem_free free;
	struct ai_mem_stat stat;
};

static int check_alloc(const struct ai_mem_alloc *args)
{
	u64 budget = (u64)ai_mem_pool.budget << PAGE_SHIFT;
	u64 run = (u64)ai_mem_pool.max_run << PAGE_SHIFT;

	if (args->flags & ~ALLOC_FLAGS)
		return -EINVAL;
	if (!args->bytes || args->bytes > budget)
		return -EINVAL;
	if ((args->flags & AI_MEM_ALLOC_CONTIGUOUS) && args->bytes > run)
		return -EINVAL;
	if (args->node != NUMA_NO_NODE &&
	    (args->node < 0 || args->node >= nr_node_ids || !node_online(args->node)))
		return -EINVAL;
	return 0;
}

/*
 * The handle is reserved first and gets its area last, so that nobody reaches an allocation whose
 * caller was not told of it.
 */
static int do_alloc(struct ai_mem_owner *owner, union command *command, void __user *user)
{
	struct ai_mem_alloc *args = &command->alloc;
	struct ai_mem_area *area;
	u64 offset;
	int ret;

	ret = check_alloc(args);
	if (ret)
		return ret;
	args->bytes = PAGE_ALIGN(args->bytes);
	area = ai_mem_area_alloc(owner, args->bytes, args->flags, args->node);
	if (IS_ERR(area))
		return PTR_ERR(area);

	ret = xa_alloc_cyclic(&owner->handles, &args->handle, NULL, XA_LIMIT(1, AI_MEM_HANDLE_MAX),
			      &owner->next_handle, GFP_KERNEL);
	if (ret < 0) {
		ret = -ENOMEM;
		goto unkeep;
	}
	offset = (u64)args->handle << AI_MEM_HANDLE_SHIFT;
	args->mmap_offset = offset;
	args->ring_offset = area->ring ? offset | AI_MEM_RING_BIT : 0;
	args->ring_bytes = area->ring_bytes;
	if (copy_to_user(user, args, sizeof(*args))) {
		ret = -EFAULT;
		goto release;
	}
	ai_mem_count_allocation(area);
	/* Takes no memory: the place is there. */
	xa_store(&owner->handles, args->handle, area, GFP_KERNEL);
	return 0;

release:
	xa_release(&owner->handles, args->handle);
unkeep:
	ai_mem_area_unkeep(area);
	return ret;
}

static int do_export(struct ai_mem_owner *owner, union command *command, void __user *user)
{
	struct ai_mem_export *args = &command->export;
	struct ai_mem_area *area;
	struct dma_buf *dmabuf;
	int fd;

	if (args->flags & ~AI_MEM_EXPORT_READ_ONLY)
		return -EINVAL;
	area = ai_mem_area_find(owner, args->handle);
	if (!area)
		return -ENOENT;
	dmabuf = ai_mem_export(area, args->flags & AI_MEM_EXPORT_READ_ONLY);
	ai_mem_area_unkeep(area);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		dma_buf_put(dmabuf);
		return fd;
	}
	args->fd = fd;
	if (copy_to_user(user, args, sizeof(*args))) {
		put_unused_fd(fd);
		dma_buf_put(dmabuf);
		return -EFAULT;
	}
	fd_install(fd, dmabuf->file);
	return 0;
}

static int do_free(struct ai_mem_owner *owner, union command *command, void __user *user)
{
	struct ai_mem_free *args = &command->free;
	struct ai_mem_area *area;

	if (args->flags || args->reserved)
		return -EINVAL;
	/* A place that is reserved by an ALLOC under way stays reserved. */
	xa_lock(&owner->handles);
	area = xa_load(&owner->handles, args->handle);
	if (area)
		__xa_erase(&owner->handles, args->handle);
	xa_unlock(&owner->handles);
	if (!area)
		return -ENOENT;
	ai_mem_area_unkeep(area);
	return 0;
}

static int do_stat(struct ai_mem_owner *owner, union command *command, void __user *user)
{
	struct ai_mem_stat *stat = &command->stat;

	if (stat->flags)
		return -EINVAL;
	ai_mem_stat(owner, stat);
	return copy_to_user(user, stat, sizeof(*stat)) ? -EFAULT : 0;
}

/**
 * struct call - what the device can be asked
 * @cmd: number of the ioctl
 * @bytes: length of its structure in the first version
 * @admin: changes something
 * @run: does it
 */
struct call {
	unsigned int cmd;
	size_t bytes;
	bool admin;
	int (*run)(struct ai_mem_owner *owner, union command *command, void __user *user);
};

static const struct call calls[] = {
	{ AI_MEM_IOC_ALLOC, sizeof(struct ai_mem_alloc), true, do_alloc },
	{ AI_MEM_IOC_EXPORT, sizeof(struct ai_mem_export), true, do_export },
	{ AI_MEM_IOC_FREE, sizeof(struct ai_mem_free), true, do_free },
	{ AI_MEM_IOC_STAT, sizeof(struct ai_mem_stat), false, do_stat },
};

/* The length is read once; what the program writes there meanwhile changes nothing. */
static int read_command(union command *command, size_t bytes, void __user *user)
{
	u32 size;
	int ret;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < bytes)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(command, bytes, user, size);
	command->size = size;
	return ret;
}

/**
 * ai_mem_ioctl() - a call
 * @file: open device
 * @cmd: AI_MEM_IOC_*
 * @arg: address of the call's structure
 *
 * Return: 0 or a negative error number; -ENOTTY for an unknown call.
 */
long ai_mem_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	union command command = {};
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].cmd != cmd)
			continue;
		if (calls[i].admin && ai_mem_require_admin && !capable(CAP_SYS_ADMIN))
			return -EPERM;
		ret = read_command(&command, calls[i].bytes, user);
		return ret ?: calls[i].run(file->private_data, &command, user);
	}
	return -ENOTTY;
}
