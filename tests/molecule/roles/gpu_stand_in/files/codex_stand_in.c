// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for the driver of a GPU's maker: built by DKMS, works on the kernel that it was made for, and does not
 * compile on a later one. It drives nothing.
 */
#include <linux/module.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(BREAKS_MAJOR, BREAKS_MINOR, 0)
#error "codex_stand_in is not ready for this kernel"
#endif

static int __init codex_stand_in_init(void)
{
	pr_info("codex_stand_in: working\n");
	return 0;
}

static void __exit codex_stand_in_exit(void)
{
}

module_init(codex_stand_in_init);
module_exit(codex_stand_in_exit);
MODULE_DESCRIPTION("Stand-in for a driver that DKMS builds");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0");
