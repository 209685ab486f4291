// SPDX-License-Identifier: GPL-2.0-only
/*
 * MODULE_IMPORT_NS() takes a string: since 6.13 (cdd30ebb1b9f). Before, it takes a bare word; given
 * a string it compiles too, but imports a namespace whose name has quotes in it, so what it makes
 * of the string is measured.
 */
#include <linux/module.h>

#undef MODULE_INFO
#define MODULE_INFO(tag, info) static_assert(sizeof(#tag) && sizeof(info) == sizeof("A"))

MODULE_IMPORT_NS("A");
