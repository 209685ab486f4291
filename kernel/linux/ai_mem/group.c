// SPDX-License-Identifier: GPL-2.0-only
/* What the processes of one cgroup hold together. */
#include <linux/cgroup.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string_helpers.h>

#include "ai_mem.h"

#ifdef CONFIG_CGROUPS

static struct ai_mem_group *find(struct cgroup *cgroup)
{
	struct ai_mem_group *group;

	list_for_each_entry(group, &ai_mem_accounts.groups, entry)
		if (group->cgroup == cgroup)
			return group;
	return NULL;
}

static struct cgroup *current_cgroup(void)
{
	struct cgroup *cgroup;

	/*
	 * A cgroup with a process in it cannot go away, but the process may be moved out of it
	 * meanwhile.
	 */
	guard(rcu)();
	do {
		cgroup = task_dfl_cgroup(current);
	} while (!cgroup_tryget(cgroup));
	return cgroup;
}

/**
 * ai_mem_group_join() - the group of the caller's cgroup, made when it is the first
 *
 * Context: sleeps.
 * Return: the group, with one more user; NULL in a kernel without cgroups; or an error pointer.
 */
struct ai_mem_group *ai_mem_group_join(void)
{
	struct ai_mem_group *group, *spare;

	spare = kzalloc(sizeof(*spare), GFP_KERNEL_ACCOUNT);
	if (!spare)
		return ERR_PTR(-ENOMEM);
	spare->cgroup = current_cgroup();

	scoped_guard(spinlock, &ai_mem_accounts.lock) {
		group = find(spare->cgroup);
		if (!group) {
			group = spare;
			spare = NULL;
			list_add_tail(&group->entry, &ai_mem_accounts.groups);
		}
		group->users++;
	}
	ai_mem_group_free(spare);
	return group;
}

/**
 * ai_mem_group_get() - one more user
 * @group: of this group
 */
void ai_mem_group_get(struct ai_mem_group *group)
{
	lockdep_assert_held(&ai_mem_accounts.lock);
	group->users++;
}

/**
 * ai_mem_group_put() - one user less
 * @group: of this group
 *
 * Return: the group when it was the last, for ai_mem_group_free() without the lock; otherwise NULL.
 */
struct ai_mem_group *ai_mem_group_put(struct ai_mem_group *group)
{
	lockdep_assert_held(&ai_mem_accounts.lock);
	if (--group->users)
		return NULL;
	list_del(&group->entry);
	return group;
}

/**
 * ai_mem_group_free() - free a group
 * @group: in no list; or NULL
 *
 * Context: without the lock.
 */
void ai_mem_group_free(struct ai_mem_group *group)
{
	if (!group)
		return;
	cgroup_put(group->cgroup);
	kfree(group);
}

/**
 * ai_mem_group_leave() - an owner ends
 * @group: its group, or NULL
 *
 * Context: without the lock.
 */
void ai_mem_group_leave(struct ai_mem_group *group)
{
	struct ai_mem_group *last;

	if (!group)
		return;
	scoped_guard(spinlock, &ai_mem_accounts.lock)
		last = ai_mem_group_put(group);
	ai_mem_group_free(last);
}

/**
 * ai_mem_group_bytes() - what the caller's cgroup holds or is about to
 *
 * Return: bytes.
 */
u64 ai_mem_group_bytes(void)
{
	struct ai_mem_group *group;

	lockdep_assert_held(&ai_mem_accounts.lock);
	guard(rcu)();
	group = find(task_dfl_cgroup(current));
	return group ? group->charged : 0;
}

/**
 * ai_mem_group_path() - where a group's cgroup is, seen from the caller's cgroup namespace
 * @group: the group, or NULL
 * @buffer: for the path
 * @size: of the buffer
 *
 * Context: sleeps; without the lock, the group has a user.
 * Return: the path with tabs, line ends and backslashes as octal numbers, or NULL when there is
 *	none.
 */
const char *ai_mem_group_path(struct ai_mem_group *group, char *buffer, size_t size)
{
	/*
	 * An escaped character takes four, so the path itself gets a fifth and stands at the end.
	 */
	size_t room = size / 5;
	char *path = buffer + size - room;
	int ret;

	if (!group || !current->nsproxy)
		return NULL;
	ret = cgroup_path_ns(group->cgroup, path, room, current->nsproxy->cgroup_ns);
	if (ret < 0 || ret >= room)
		return NULL;
	ret = string_escape_str(path, buffer, size - room - 1, ESCAPE_OCTAL, "\t\n\\");
	if (ret < 0 || ret >= size - room)
		return NULL;
	buffer[ret] = '\0';
	return buffer;
}

#else

struct ai_mem_group *ai_mem_group_join(void)
{
	return NULL;
}

void ai_mem_group_get(struct ai_mem_group *group)
{
}

struct ai_mem_group *ai_mem_group_put(struct ai_mem_group *group)
{
	return NULL;
}

void ai_mem_group_free(struct ai_mem_group *group)
{
}

void ai_mem_group_leave(struct ai_mem_group *group)
{
}

u64 ai_mem_group_bytes(void)
{
	return 0;
}

const char *ai_mem_group_path(struct ai_mem_group *group, char *buffer, size_t size)
{
	return NULL;
}

#endif
