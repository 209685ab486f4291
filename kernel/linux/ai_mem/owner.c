// SPDX-License-Identifier: GPL-2.0-only
/* Owners (open files) and what they hold: charging, limits, figures. */
#include <linux/cleanup.h>
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "ai_mem.h"

LIST_HEAD(ai_mem_owners);
/* Protects the list of all owners; what they hold is under ai_mem_accounts.lock. */
DEFINE_MUTEX(ai_mem_owners_lock);

struct ai_mem_accounts ai_mem_accounts = {
	.lock = __SPIN_LOCK_UNLOCKED(ai_mem_accounts.lock),
	.groups = LIST_HEAD_INIT(ai_mem_accounts.groups),
};

/**
 * ai_mem_owner_create() - the device was opened
 *
 * Return: the new owner, or an error pointer.
 */
struct ai_mem_owner *ai_mem_owner_create(void)
{
	struct ai_mem_owner *owner;

	owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);
	if (!owner)
		return ERR_PTR(-ENOMEM);
	owner->group = ai_mem_group_join();
	if (IS_ERR(owner->group)) {
		int ret = PTR_ERR(owner->group);

		kfree(owner);
		return ERR_PTR(ret);
	}
	owner->pid = get_pid(task_tgid(current));
	owner->uid = current_uid();
	owner->next_handle = 1;
	xa_init_flags(&owner->handles, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&owner->areas);
	scoped_guard(mutex, &ai_mem_owners_lock)
		list_add_tail(&owner->entry, &ai_mem_owners);
	return owner;
}

static struct ai_mem_area *disown_first(struct ai_mem_owner *owner)
{
	struct ai_mem_area *area;

	spin_lock(&ai_mem_accounts.lock);
	area = list_first_entry_or_null(&owner->areas, struct ai_mem_area, entry);
	if (area) {
		list_del_init(&area->entry);
		area->owner = NULL;
		owner->bytes -= ai_mem_area_bytes(area);
		if (!owner->bytes)
			ai_mem_accounts.owners--;
		kref_get(&area->ref);
	}
	spin_unlock(&ai_mem_accounts.lock);
	return area;
}

/**
 * ai_mem_owner_destroy() - the file was closed for the last time: everything of it comes back
 * @owner: nobody else knows it any more; it is freed
 */
void ai_mem_owner_destroy(struct ai_mem_owner *owner)
{
	struct ai_mem_area *area;
	unsigned long handle;

	scoped_guard(mutex, &ai_mem_owners_lock)
		list_del(&owner->entry);

	/* The handles first: what nothing else keeps goes back here. */
	xa_for_each(&owner->handles, handle, area) {
		xa_erase(&owner->handles, handle);
		ai_mem_area_unkeep(area);
		cond_resched();
	}
	xa_destroy(&owner->handles);

	while ((area = disown_first(owner))) {
		ai_mem_area_orphan(area);
		ai_mem_area_put(area);
		cond_resched();
	}
	ai_mem_group_leave(owner->group);
	put_pid(owner->pid);
	kfree(owner);
}

static bool over(u64 held, u64 bytes, u64 limit)
{
	return limit && (bytes > limit || held > limit - bytes);
}

/**
 * ai_mem_charge() - ask for room for an allocation
 * @owner: who wants it
 * @bytes: whole blocks, not more than the pool
 *
 * Return: 0, -EDQUOT for a limit, -ENOMEM for a full pool.
 */
int ai_mem_charge(struct ai_mem_owner *owner, u64 bytes)
{
	u64 budget = (u64)ai_mem_pool.budget << PAGE_SHIFT;
	int ret = 0;

	spin_lock(&ai_mem_accounts.lock);
	if (over(owner->charged, bytes, ai_mem_owner_limit) ||
	    (owner->group && over(owner->group->charged, bytes, ai_mem_cgroup_limit))) {
		ret = -EDQUOT;
	} else if (over(ai_mem_accounts.charged, bytes, budget)) {
		ai_mem_accounts.failures++;
		ret = -ENOMEM;
	} else {
		owner->charged += bytes;
		if (owner->group)
			owner->group->charged += bytes;
		ai_mem_accounts.charged += bytes;
	}
	spin_unlock(&ai_mem_accounts.lock);
	return ret;
}

/**
 * ai_mem_uncharge() - the allocation came to nothing
 * @owner: who wanted it
 * @bytes: what was charged
 * @no_room: for want of room
 */
void ai_mem_uncharge(struct ai_mem_owner *owner, u64 bytes, bool no_room)
{
	bool unused;

	scoped_guard(spinlock, &ai_mem_accounts.lock) {
		owner->charged -= bytes;
		if (owner->group)
			owner->group->charged -= bytes;
		ai_mem_accounts.charged -= bytes;
		ai_mem_accounts.failures += no_room;
		unused = !ai_mem_accounts.charged;
	}
	if (unused)
		ai_mem_pool_unused();
}

/**
 * ai_mem_commit() - the allocation has its memory
 * @owner: who has it
 * @area: what was charged before
 */
void ai_mem_commit(struct ai_mem_owner *owner, struct ai_mem_area *area)
{
	u64 bytes = ai_mem_area_bytes(area);

	spin_lock(&ai_mem_accounts.lock);
	area->owner = owner;
	area->group = owner->group;
	if (area->group)
		ai_mem_group_get(area->group);
	list_add_tail(&area->entry, &owner->areas);
	if (!owner->bytes)
		ai_mem_accounts.owners++;
	owner->bytes += bytes;
	ai_mem_accounts.allocated += bytes;
	spin_unlock(&ai_mem_accounts.lock);
}

/**
 * ai_mem_count_allocation() - the caller of ALLOC was told of the allocation
 * @area: nobody can have ended it yet
 */
void ai_mem_count_allocation(struct ai_mem_area *area)
{
	spin_lock(&ai_mem_accounts.lock);
	area->counted = true;
	ai_mem_accounts.allocations++;
	ai_mem_accounts.peak = max(ai_mem_accounts.peak, ai_mem_accounts.allocated);
	spin_unlock(&ai_mem_accounts.lock);
}

/**
 * ai_mem_settle() - the memory of an allocation is back in the pool
 * @area: had the memory
 */
void ai_mem_settle(struct ai_mem_area *area)
{
	u64 bytes = ai_mem_area_bytes(area);
	struct ai_mem_group *last = NULL;
	bool unused;

	scoped_guard(spinlock, &ai_mem_accounts.lock) {
		struct ai_mem_owner *owner = area->owner;

		area->returned = true;
		if (owner) {
			list_del_init(&area->entry);
			owner->charged -= bytes;
			owner->bytes -= bytes;
			if (!owner->bytes)
				ai_mem_accounts.owners--;
		}
		if (area->orphaned)
			ai_mem_accounts.orphaned -= bytes;
		if (area->group) {
			area->group->charged -= bytes;
			last = ai_mem_group_put(area->group);
		}
		ai_mem_accounts.charged -= bytes;
		ai_mem_accounts.allocated -= bytes;
		ai_mem_accounts.frees += area->counted;
		unused = !ai_mem_accounts.charged;
	}
	ai_mem_group_free(last);
	if (unused)
		ai_mem_pool_unused();
}

/**
 * ai_mem_outlive() - what is kept of a dead owner's allocation is an orphan
 * @area: has no owner any more; nothing happens when its memory went back meanwhile
 */
void ai_mem_outlive(struct ai_mem_area *area)
{
	spin_lock(&ai_mem_accounts.lock);
	if (!area->returned) {
		area->orphaned = true;
		ai_mem_accounts.orphaned += ai_mem_area_bytes(area);
	}
	spin_unlock(&ai_mem_accounts.lock);
}

/**
 * ai_mem_count_exports() - a dma-buf came or went
 * @change: 1 or -1
 */
void ai_mem_count_exports(int change)
{
	spin_lock(&ai_mem_accounts.lock);
	ai_mem_accounts.exports += change;
	spin_unlock(&ai_mem_accounts.lock);
}

/**
 * ai_mem_in_use() - whether somebody holds memory or is about to
 *
 * Return: true when the pool must not be given back whole.
 */
bool ai_mem_in_use(void)
{
	return READ_ONCE(ai_mem_accounts.charged);
}

/**
 * ai_mem_stat() - figures, all of one moment except what the pool holds
 * @owner: whose file asks, or NULL
 * @stat: everything but size and flags is written
 */
void ai_mem_stat(struct ai_mem_owner *owner, struct ai_mem_stat *stat)
{
	scoped_guard(mutex, &ai_mem_pool.lock)
		stat->filled_bytes = (u64)ai_mem_pool.filled << PAGE_SHIFT;
	stat->pool_bytes = (u64)ai_mem_pool.budget << PAGE_SHIFT;
	stat->max_contiguous_bytes = (u64)ai_mem_pool.max_run << PAGE_SHIFT;
	stat->owner_limit_bytes = ai_mem_owner_limit;
	stat->cgroup_limit_bytes = ai_mem_cgroup_limit;

	spin_lock(&ai_mem_accounts.lock);
	stat->allocated_bytes = ai_mem_accounts.allocated;
	stat->peak_bytes = ai_mem_accounts.peak;
	stat->orphaned_bytes = ai_mem_accounts.orphaned;
	stat->owner_bytes = owner ? owner->bytes : 0;
	stat->cgroup_bytes = ai_mem_group_bytes();
	stat->allocations = ai_mem_accounts.allocations;
	stat->frees = ai_mem_accounts.frees;
	stat->failures = ai_mem_accounts.failures;
	stat->owners = ai_mem_accounts.owners;
	stat->exports = ai_mem_accounts.exports;
	spin_unlock(&ai_mem_accounts.lock);
}
