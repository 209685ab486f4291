// SPDX-License-Identifier: Apache-2.0
/* Runs last: whatever all programs before did, the kernel finds no memory that nothing refers to. */
#include "lib/mem.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=1");
SETUP(ai_gpu, "");

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

TEST_SECONDS(kmemleak_finds_nothing_of_ours, 600)
{
	if (access(KMEMLEAK, F_OK))
		kt_skip("no kmemleak in this kernel");
	module_drop("ai_gpu");
	module_drop("ai_mem");
	/* A block counts once it is unreferenced in two scans; young ones are left out for five seconds. */
	for (int n = 0; n < 3; n++) {
		sleep(6);
		OK(kt_write(KMEMLEAK, "scan"));
	}
	const char *found = kt_read(KMEMLEAK);

	CHECKF(!strstr(found, "unreferenced object"), "%s", found);
}
