// SPDX-License-Identifier: GPL-2.0-only
/* ai_mem: a pool of pinned memory that CPU, devices and io_uring share without a copy. */
#include <linux/module.h>

MODULE_DESCRIPTION("Pool of pinned memory shared by programs and devices");
MODULE_LICENSE("GPL");
