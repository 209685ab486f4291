// SPDX-License-Identifier: Apache-2.0
/* Parameters of the module: bad values are refused at load, with one line in the log. */
#include "lib/klog.h"
#include "lib/mem.h"
#include "lib/module.h"

SETUP(ai_mem, "");

TEST(the_defaults_are_those_of_the_manual)
{
	int fd = mem_open();
	struct ai_mem_stat stat = mem_stat(fd);

	CHECK(stat.pool_bytes == 256 * MIB && stat.owner_limit_bytes == 0 && stat.cgroup_limit_bytes == 0);
	CHECK(strtol(kt_read("/sys/module/ai_mem/parameters/pool_mib"), NULL, 10) == 256);
	CHECK(strtol(kt_read("/sys/module/ai_mem/parameters/node"), NULL, 10) == -1);
	CHECK(strtol(kt_read("/sys/module/ai_mem/parameters/idle_ms"), NULL, 10) == 60000);
	CHECK(kt_read("/sys/module/ai_mem/parameters/require_admin")[0] == 'Y');
}

TEST(bad_values_are_refused_with_one_line)
{
	static const char *const bad[] = {
		"pool_mib=0", "pool_mib=-1", "pool_mib=99999999999999999999", "pool_mib=4294967295", "pool_mib=x",
		"pool_mib=", "pool_mib", "node=-2", "node=4096", "node=64", "owner_limit_mib=-1", "cgroup_limit_mib=-1",
		"idle_ms=-1", "require_admin=maybe", "pool_mib=0x10000000000"};

	module_drop("ai_mem");
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		int log = klog_open();

		if (module_load("ai_mem", bad[n]) == 0) {
			kt_note("%s was accepted", bad[n]);
			CHECK(false);
		}
		CHECKF(errno == EINVAL || errno == ERANGE, "%s", bad[n]);
		int lines = klog_count(log, "ai_mem");

		CHECKF(lines == 1, "%s: %d lines", bad[n], lines);
		CHECK(access("/dev/ai_mem", F_OK) == -1 && access(MEM_PROC, F_OK) == -1);
		close(log);
	}
}

TEST(the_smallest_pool_works)
{
	module_reload("ai_mem", "pool_mib=1");
	int fd = mem_open();

	mem_alloc(fd, MIB, 0);
}

TEST(parameters_do_not_change_while_it_runs)
{
	CHECK(kt_write("/sys/module/ai_mem/parameters/pool_mib", "1") == -1);
	CHECK(kt_write("/sys/module/ai_mem/parameters/require_admin", "0") == -1);
}
