// SPDX-License-Identifier: GPL-2.0-only
/* Must compile on every kernel: shows that the compiler, its flags and the headers are usable. */
#include <linux/module.h>

MODULE_DESCRIPTION("probe");
MODULE_LICENSE("GPL");
