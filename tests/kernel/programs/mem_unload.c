// SPDX-License-Identifier: Apache-2.0
/* Unloading: refused while anything is open, complete when it is not, as often as one likes. */
#include <sys/stat.h>

#include "lib/mem.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=4");

static void is_refused(void)
{
	CHECK(module_unload("ai_mem") == -1 && errno == EWOULDBLOCK);
}

TEST(an_open_file_keeps_the_module)
{
	int fd = mem_open();

	is_refused();
	mem_alloc(fd, BLOCK, 0);
	is_refused();
}

TEST(a_mapping_keeps_the_module)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, BLOCK, AI_MEM_ALLOC_RING, &made);
	void *ring = mem_map(fd, made.ring_offset, made.ring_bytes);

	close(fd);
	is_refused();
	OK(munmap(ring, made.ring_bytes));
	is_refused();
	*data = 1;
	OK(munmap(data, BLOCK));
	module_drop("ai_mem");
	CHECK(module_load("ai_mem", "pool_mib=4") == 0);
}

TEST(an_open_proc_file_does_not_stop_it)
{
	int proc = (int)OK(open(MEM_PROC, O_RDONLY));
	char text[64];

	CHECK(read(proc, text, 10) == 10);
	module_drop("ai_mem");
	/* The file of a module that is gone answers, and does not crash. */
	CHECKF(read(proc, text, 10) <= 10, "%s", text);
	CHECK(module_load("ai_mem", "pool_mib=4") == 0);
}

TEST(nothing_is_left_behind)
{
	struct stat found;

	module_drop("ai_mem");
	CHECK(stat("/dev/ai_mem", &found) == -1 && errno == ENOENT);
	CHECK(stat(MEM_PROC, &found) == -1 && errno == ENOENT);
	CHECK(stat("/sys/class/misc/ai_mem", &found) == -1);
	CHECK(module_load("ai_mem", "pool_mib=4") == 0);
}

static void load_and_use(long number)
{
	module_reload("ai_mem", number % 2 ? "pool_mib=4 idle_ms=1" : "pool_mib=1");
	int fd = mem_open();

	if (number % 4 == 0) {
		struct ai_mem_alloc made;
		unsigned char *data = mem_take(fd, MIB, AI_MEM_ALLOC_RING, &made);

		memset(data, 1, MIB);
		close(mem_export(fd, made.handle));
		OK(munmap(data, MIB));
	}
	close(fd);
}

TEST_SECONDS(it_loads_and_unloads_again_and_again, 600)
{
	module_cycles(kt_option("cycles", 100), load_and_use);
}
