// SPDX-License-Identifier: GPL-2.0-only
/* The module: parameters, the PCI driver, the class and the character devices' number. */
#include <linux/capability.h>
#include <linux/device/class.h>
#include <linux/jiffies.h>
#include <linux/module.h>

#include "ai_features.h"
#include "ai_gpu.h"

#define TIMEOUT_MS_MAX 600000

static unsigned int timeout_ms = 2000;

static int timeout_set(const char *text, const struct kernel_param *param)
{
	int ret = param_set_uint_minmax(text, param, 1, TIMEOUT_MS_MAX);

	if (ret)
		pr_err("ai_gpu: timeout_ms has to be 1 to %d\n", TIMEOUT_MS_MAX);
	return ret;
}

static const struct kernel_param_ops timeout_ops = {
	.set = timeout_set,
	.get = param_get_uint,
};

module_param_cb(timeout_ms, &timeout_ops, &timeout_ms, 0644);
MODULE_PARM_DESC(timeout_ms,
		 "time that the device has for a job, in ms (1 to 600000, default 2000)");

static bool require_admin = true;
module_param(require_admin, bool, 0444);
MODULE_PARM_DESC(require_admin,
		 "DMA, LAUNCH and RESET need CAP_SYS_ADMIN (default); 0: the node's mode");

int ai_gpu_major;

const struct class ai_gpu_class = {
	.name = "ai_gpu",
};

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) }, /* QEMU's edu; others by driver_override */
	{}
};
MODULE_DEVICE_TABLE(pci, ids);

struct pci_driver ai_gpu_driver = {
	.name = "ai_gpu",
	.id_table = ids,
	.probe = ai_gpu_probe,
	.remove = ai_gpu_remove,
	.shutdown = ai_gpu_shutdown,
	.err_handler = &ai_gpu_error_handlers,
	.driver = {
		.pm = pm_ptr(&ai_gpu_pm),
	},
};

/**
 * ai_gpu_permitted() - may the caller make devices do something?
 *
 * Return: true when it may.
 */
bool ai_gpu_permitted(void)
{
	return !require_admin || capable(CAP_SYS_ADMIN);
}

/**
 * ai_gpu_timeout() - the time that a device has for a job that starts now
 *
 * Return: jiffies, one more than the parameter says, since the present one is partly over.
 */
unsigned long ai_gpu_timeout(void)
{
	return msecs_to_jiffies(READ_ONCE(timeout_ms)) + 1;
}

static int __init ai_gpu_init(void)
{
	int ret;

	ret = class_register(&ai_gpu_class);
	if (ret)
		return ret;
	ret = __register_chrdev(0, 0, AI_GPU_MINORS, "ai_gpu", &ai_gpu_fops);
	if (ret < 0)
		goto unregister_class;
	ai_gpu_major = ret;
	ret = ai_gpu_proc_create();
	if (ret)
		goto chrdev;
	ret = pci_register_driver(&ai_gpu_driver);
	if (ret)
		goto proc;
	return 0;

proc:
	ai_gpu_proc_remove();
chrdev:
	__unregister_chrdev(ai_gpu_major, 0, AI_GPU_MINORS, "ai_gpu");
unregister_class:
	class_unregister(&ai_gpu_class);
	return ret;
}

static void __exit ai_gpu_exit(void)
{
	/* First, so that no reader asks about a device that is leaving. */
	ai_gpu_proc_remove();
	pci_unregister_driver(&ai_gpu_driver);
	__unregister_chrdev(ai_gpu_major, 0, AI_GPU_MINORS, "ai_gpu");
	class_unregister(&ai_gpu_class);
}

module_init(ai_gpu_init);
module_exit(ai_gpu_exit);

MODULE_DESCRIPTION("Direct access to devices: DMA from and to dma-bufs, computation");
MODULE_AUTHOR("Codex OS");
MODULE_LICENSE("GPL");
#ifdef AI_HAVE_IMPORT_NS_STRING
MODULE_IMPORT_NS("DMA_BUF");
#else
MODULE_IMPORT_NS(DMA_BUF);
#endif
