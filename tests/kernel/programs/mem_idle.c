// SPDX-License-Identifier: Apache-2.0
/* The pool gives its memory back: after a while without use, under pressure, and when the module goes. */
#include "lib/mem.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=64 idle_ms=300");

static unsigned long long available_kib(void)
{
	return kt_figure("/proc/meminfo", "MemAvailable");
}

TEST(memory_goes_back_when_nothing_is_allocated)
{
	int fd = mem_open();
	unsigned long long before = available_kib();
	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, 0);

	CHECK(mem_filled() == 64 * MIB);
	CHECK(available_kib() + 56 * 1024 < before);
	usleep(1000000);
	CHECKF(mem_filled() == 64 * MIB, "one block is still in use");
	OK(mem_free(fd, made.handle));
	EVENTUALLY(mem_filled() == 0);
	EVENTUALLY(available_kib() + 8 * 1024 > before);
	mem_alloc(fd, 64 * MIB, 0);
	CHECK(mem_filled() == 64 * MIB);
}

TEST(the_death_of_the_last_owner_counts_as_a_free)
{
	int fd = mem_open();

	mem_alloc(fd, MIB, 0);
	close(fd);
	EVENTUALLY(mem_filled() == 0);
}

TEST(pressure_takes_what_is_free)
{
	module_reload("ai_mem", "pool_mib=64 idle_ms=3600000");
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, MIB, 0, &made);

	memset(data, 0x21, MIB);
	CHECK(mem_filled() == 64 * MIB);
	for (int n = 0; n < 50 && mem_filled() > 32 * MIB; n++)
		OK(kt_write("/proc/sys/vm/drop_caches", "2"));
	CHECKF(mem_filled() <= 32 * MIB, "%llu", mem_filled());
	CHECK(all_bytes(data, MIB, 0x21));
	/* And it grows again. */
	struct ai_mem_alloc rest;
	unsigned char *more = mem_take(fd, 63 * MIB, 0, &rest);

	CHECK(all_bytes(more, 63 * MIB, 0) && all_bytes(data, MIB, 0x21));
}

TEST(a_hundred_rounds_leave_as_much_memory_as_before)
{
	module_reload("ai_mem", "pool_mib=32 idle_ms=1");
	int fd = mem_open();

	OK(mem_free(fd, mem_alloc(fd, 32 * MIB, AI_MEM_ALLOC_RING).handle));
	EVENTUALLY(mem_filled() == 0);
	unsigned long long before = available_kib();

	for (int n = 0; n < 100; n++) {
		struct ai_mem_alloc made = mem_alloc(fd, (size_t)(n % 32 + 1) * MIB, AI_MEM_ALLOC_RING);

		close(mem_export(fd, made.handle));
		OK(mem_free(fd, made.handle));
	}
	EVENTUALLY(mem_filled() == 0);
	/* What was freed lies in the processors' own lists for a while, where it does not count. */
	EVENTUALLY(available_kib() + 8192 > before);
}
