// SPDX-License-Identifier: GPL-2.0-only
/* /proc/ai_memory */
#include <linux/cleanup.h>
#include <linux/cred.h>
#include <linux/nodemask.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <codex/ai_mem_proc.h>

#include "ai_mem.h"

/* For a cgroup's path, with every character of it escaped. */
#define PATH_BUFFER (5 * PATH_MAX)

static void show_nodes(struct seq_file *m)
{
	int nid;

	seq_puts(m, AI_MEM_PROC_NODE_HEAD);
	guard(mutex)(&ai_mem_pool.lock);
	for_each_node_state(nid, N_MEMORY) {
		const struct ai_mem_node *node = &ai_mem_pool.nodes[nid];

		seq_printf(m, AI_MEM_PROC_NODE_ROW, nid, (u64)node->filled << PAGE_SHIFT,
			   (u64)(node->filled - node->nr_free) << PAGE_SHIFT);
	}
}

/* As the reader's namespaces see it: 0 for a process that is gone or in none of them. */
static pid_t reader_pid(struct pid *pid)
{
	return pid_has_task(pid, PIDTYPE_TGID) ? pid_nr_ns(pid, task_active_pid_ns(current)) : 0;
}

static int show_owners(struct seq_file *m)
{
	char *buffer __free(kvfree) = kvmalloc(PATH_BUFFER, GFP_KERNEL);
	struct ai_mem_owner *owner;

	if (!buffer)
		return -ENOMEM;
	seq_puts(m, AI_MEM_PROC_OWNER_HEAD);
	guard(mutex)(&ai_mem_owners_lock);
	list_for_each_entry(owner, &ai_mem_owners, entry) {
		const char *path;
		u64 bytes;

		scoped_guard(spinlock, &ai_mem_accounts.lock)
			bytes = owner->bytes;
		if (!bytes)
			continue;
		path = ai_mem_group_path(owner->group, buffer, PATH_BUFFER);
		seq_printf(m, AI_MEM_PROC_OWNER_ROW, reader_pid(owner->pid),
			   from_kuid_munged(current_user_ns(), owner->uid), bytes,
			   path ?: AI_MEM_PROC_UNAVAILABLE);
	}
	return 0;
}

static int show(struct seq_file *m, void *unused)
{
	struct ai_mem_stat stat = {};

	ai_mem_stat(NULL, &stat);
	seq_puts(m, AI_MEM_PROC_TITLE);
	seq_printf(m, AI_MEM_PROC_POOL_SIZE, stat.pool_bytes >> 20);
	seq_printf(m, AI_MEM_PROC_BLOCK_SIZE, AI_MEM_BLOCK_BYTES >> 10);
	seq_printf(m, AI_MEM_PROC_TOTAL_BLOCKS, stat.pool_bytes / AI_MEM_BLOCK_BYTES);
	seq_printf(m, AI_MEM_PROC_ALLOCATED, stat.allocated_bytes);
	seq_printf(m, AI_MEM_PROC_FILLED, stat.filled_bytes);
	seq_printf(m, AI_MEM_PROC_PEAK, stat.peak_bytes);
	seq_printf(m, AI_MEM_PROC_ORPHANED, stat.orphaned_bytes);
	seq_printf(m, AI_MEM_PROC_OWNERS, stat.owners);
	seq_printf(m, AI_MEM_PROC_EXPORTS, stat.exports);
	show_nodes(m);
	return show_owners(m);
}

/**
 * ai_mem_proc_create() - make the file
 *
 * Return: 0 or -ENOMEM.
 */
int ai_mem_proc_create(void)
{
	return proc_create_single(AI_MEM_PROC_NAME, 0444, NULL, show) ? 0 : -ENOMEM;
}

/**
 * ai_mem_proc_remove() - remove it; waits for readers
 */
void ai_mem_proc_remove(void)
{
	remove_proc_entry(AI_MEM_PROC_NAME, NULL);
}
