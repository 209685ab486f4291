// SPDX-License-Identifier: GPL-2.0-only
/* system_dfl_wq: since 6.17 (128ea9f6ccfb) the name of system_unbound_wq. */
#include <linux/build_bug.h>
#include <linux/workqueue.h>

static_assert(sizeof(system_dfl_wq));
