// SPDX-License-Identifier: Apache-2.0
/* Who may do what: the capability is checked by the module, not left to the mode of the node. */
#include <sys/stat.h>

#include "lib/mem.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=4");

static void only_reads(void)
{
	int fd = mem_open();
	struct ai_mem_alloc request = mem_request(BLOCK, 0);

	FAILS(mem_try(fd, &request), EPERM);
	FAILS(mem_try_export(fd, 1, 0), EPERM);
	FAILS(mem_free(fd, 1), EPERM);
	mem_stat(fd);
	CHECK(mem_filled() == 0);
	CHECK(strlen(kt_read(MEM_PROC)) > 100);
}

TEST(without_the_capability_only_reading_works)
{
	kt_drop_capabilities();
	only_reads();
}

TEST(an_ordinary_user_can_only_read)
{
	OK(chmod("/dev/ai_mem", 0666));
	kt_become_nobody();
	only_reads();
}

TEST(the_capability_counts_when_it_is_used)
{
	int fd = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, 0);

	kt_drop_capabilities();
	FAILS(mem_free(fd, made.handle), EPERM);
	FAILS(mem_try_export(fd, made.handle, 0), EPERM);
	/* What was allocated before stays usable. */
	mem_map(fd, made.mmap_offset, made.bytes)[0] = 1;
}

TEST(without_require_admin_the_mode_of_the_node_decides)
{
	module_reload("ai_mem", "pool_mib=4 require_admin=0");
	OK(chmod("/dev/ai_mem", 0666));
	kt_become_nobody();
	int fd = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, MIB, AI_MEM_ALLOC_RING);

	mem_export(fd, made.handle);
	OK(mem_free(fd, made.handle));
	CHECK(strstr(kt_read(MEM_PROC), "\t65534\t") != NULL);
}

TEST(a_mode_of_0600_keeps_others_out)
{
	OK(chmod("/dev/ai_mem", 0600));
	kt_become_nobody();
	FAILS(open("/dev/ai_mem", O_RDWR), EACCES);
}
