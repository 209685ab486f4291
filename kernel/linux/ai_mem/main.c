// SPDX-License-Identifier: GPL-2.0-only
/*
 * ai_mem: a pool of pinned memory that programs, devices and io_uring share without a copy. Here:
 * loading, parameters, the device.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>

#include "ai_mem.h"

#define PAGES_PER_MIB (1UL << (20 - PAGE_SHIFT))
/* What an offset for mmap() can hold. */
#define POOL_MIB_MAX (AI_MEM_AREA_BYTES_MAX >> 20)
/* Longer times do not fit into a timer on a machine with a 32 bit clock. */
#define IDLE_MS_MAX (24U * 60 * 60 * 1000)

static uint pool_mib = 256;
module_param(pool_mib, uint, 0444);
MODULE_PARM_DESC(pool_mib, "Most memory that the pool may hold, in MiB (default 256)");

static int node = NUMA_NO_NODE;
module_param(node, int, 0444);
MODULE_PARM_DESC(node, "NUMA node to fill the pool from, -1 for the one near the caller (default)");

static uint owner_limit_mib;
module_param(owner_limit_mib, uint, 0444);
MODULE_PARM_DESC(owner_limit_mib,
		 "Most memory that an open file may hold, in MiB, 0 for no limit (default)");

static uint cgroup_limit_mib;
module_param(cgroup_limit_mib, uint, 0444);
MODULE_PARM_DESC(cgroup_limit_mib,
		 "Most memory of all owners in one cgroup, in MiB, 0 for no limit (default)");

static uint idle_ms = 60000;
module_param(idle_ms, uint, 0444);
MODULE_PARM_DESC(idle_ms,
		 "Time after the last use until the pool's memory goes back, in ms (default 60000)");

bool ai_mem_require_admin = true;
module_param_named(require_admin, ai_mem_require_admin, bool, 0444);
MODULE_PARM_DESC(require_admin,
		 "ALLOC, EXPORT, FREE need CAP_SYS_ADMIN (default); 0: the device's mode decides");

u64 ai_mem_owner_limit;
u64 ai_mem_cgroup_limit;

static int ai_mem_open(struct inode *inode, struct file *file)
{
	struct ai_mem_owner *owner = ai_mem_owner_create();

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	file->private_data = owner;
	return 0;
}

static int ai_mem_release(struct inode *inode, struct file *file)
{
	ai_mem_owner_destroy(file->private_data);
	return 0;
}

static const struct file_operations ai_mem_fops = {
	.owner = THIS_MODULE,
	.open = ai_mem_open,
	.release = ai_mem_release,
	.unlocked_ioctl = ai_mem_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = ai_mem_mmap,
};

static struct miscdevice ai_mem_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ai_mem",
	.mode = 0660,
	.fops = &ai_mem_fops,
};

static int read_parameters(void)
{
	unsigned long ram_mib = totalram_pages() / PAGES_PER_MIB;

	if (!pool_mib || pool_mib > ram_mib || pool_mib > POOL_MIB_MAX) {
		pr_err("pool_mib=%u is not in the range 1 to %lu of this machine\n", pool_mib,
		       min_t(unsigned long, ram_mib, POOL_MIB_MAX));
		return -EINVAL;
	}
	if (node != NUMA_NO_NODE &&
	    (node < 0 || node >= nr_node_ids || !node_state(node, N_MEMORY))) {
		pr_err("node=%d is not a node with memory; -1 is for the one near the caller\n",
		       node);
		return -EINVAL;
	}
	if (idle_ms > IDLE_MS_MAX) {
		pr_err("idle_ms=%u is more than a day (%u)\n", idle_ms, IDLE_MS_MAX);
		return -EINVAL;
	}
	if (cgroup_limit_mib && !IS_ENABLED(CONFIG_CGROUPS)) {
		pr_err("cgroup_limit_mib=%u cannot be kept: this kernel has no cgroups\n",
		       cgroup_limit_mib);
		return -EINVAL;
	}
	ai_mem_pool.budget = pool_mib * PAGES_PER_MIB;
	ai_mem_pool.max_run = min(rounddown_pow_of_two(ai_mem_pool.budget), 1UL << MAX_PAGE_ORDER);
	ai_mem_pool.nid = node;
	ai_mem_pool.idle_ms = idle_ms;
	ai_mem_owner_limit = (u64)owner_limit_mib << 20;
	ai_mem_cgroup_limit = (u64)cgroup_limit_mib << 20;
	return 0;
}

static int __init ai_mem_init(void)
{
	int ret;

	ret = read_parameters();
	if (ret)
		return ret;
	ret = ai_mem_pool_init();
	if (ret)
		return ret;
	ret = ai_mem_shrink_init();
	if (ret)
		goto exit_pool;
	ret = ai_mem_proc_create();
	if (ret)
		goto exit_shrink;
	ret = misc_register(&ai_mem_device);
	if (ret)
		goto remove_proc;
	return 0;

remove_proc:
	ai_mem_proc_remove();
exit_shrink:
	ai_mem_shrink_exit();
exit_pool:
	ai_mem_pool_exit();
	return ret;
}
module_init(ai_mem_init);

static void __exit ai_mem_exit(void)
{
	misc_deregister(&ai_mem_device);
	ai_mem_proc_remove();
	ai_mem_shrink_exit();
	ai_mem_pool_exit();
}
module_exit(ai_mem_exit);

MODULE_DESCRIPTION("Pool of pinned memory shared by programs and devices");
MODULE_LICENSE("GPL");
