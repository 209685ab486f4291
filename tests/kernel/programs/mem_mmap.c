// SPDX-License-Identifier: Apache-2.0
/* mmap() of the device: what is refused, that all mappings show the same memory, what a FREE leaves. */
#include <signal.h>

#include "lib/mem.h"

SETUP(ai_mem, "pool_mib=8");

static void *map(int fd, unsigned long long offset, size_t bytes, int protection, int flags)
{
	return mmap(NULL, bytes, protection, flags, fd, (off_t)offset);
}

TEST(two_mappings_show_the_same_memory)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *one = mem_take(fd, MIB, 0, &made);
	unsigned char *two = mem_map(fd, made.mmap_offset, MIB);

	for (size_t at = 0; at < MIB; at += 511)
		one[at] = (unsigned char)(at * 7);
	CHECK(!memcmp(one, two, MIB));
	two[MIB - 1] = 99;
	CHECK(one[MIB - 1] == 99);
}

TEST(a_part_can_be_mapped)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *whole = mem_take(fd, 8 * BLOCK, 0, &made);

	for (size_t n = 0; n < 8; n++)
		memset(whole + n * BLOCK, (int)n + 1, BLOCK);
	for (size_t from = 0; from < 8; from++)
		for (size_t count = 1; from + count <= 8; count++) {
			unsigned char *part = mem_map(fd, made.mmap_offset + from * BLOCK, count * BLOCK);

			CHECK(!memcmp(part, whole + from * BLOCK, count * BLOCK));
			OK(munmap(part, count * BLOCK));
		}
}

TEST(private_mappings_are_refused)
{
	int fd = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, 0);

	FAILS(map(fd, made.mmap_offset, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE), EINVAL);
	FAILS(map(fd, made.mmap_offset, BLOCK, PROT_READ, MAP_PRIVATE), EINVAL);
}

TEST(ranges_outside_an_allocation_are_refused)
{
	int fd = mem_open();
	struct ai_mem_alloc a = mem_alloc(fd, 4 * BLOCK, 0), b = mem_alloc(fd, 4 * BLOCK, AI_MEM_ALLOC_RING);
	const unsigned long long bad[] = {0, BLOCK, 1ULL << 62, (1ULL << 63) - BLOCK, a.mmap_offset + 4 * BLOCK,
					  b.ring_offset + b.ring_bytes + 64 * MIB};

	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		if (bad[n] == a.mmap_offset || bad[n] == b.mmap_offset || bad[n] == b.ring_offset)
			continue;
		void *got = map(fd, bad[n], BLOCK, PROT_READ, MAP_SHARED);

		CHECKF(got == MAP_FAILED, "offset %llx", bad[n]);
	}
	CHECK(mem_try_map(fd, a.mmap_offset, 5 * BLOCK) == MAP_FAILED);
	CHECK(mem_try_map(fd, a.mmap_offset + 3 * BLOCK, 2 * BLOCK) == MAP_FAILED);
	CHECK(mem_try_map(fd, a.mmap_offset, 1UL << 40) == MAP_FAILED);
	CHECK(mem_try_map(fd, b.ring_offset, b.ring_bytes + BLOCK) == MAP_FAILED);
}

TEST(offsets_of_another_file_are_refused)
{
	int fd = mem_open(), other = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, AI_MEM_ALLOC_RING);

	CHECK(mem_try_map(other, made.mmap_offset, BLOCK) == MAP_FAILED);
	CHECK(mem_try_map(other, made.ring_offset, BLOCK) == MAP_FAILED);
}

TEST(a_file_opened_for_reading_maps_for_reading_only)
{
	int fd = (int)OK(open("/dev/ai_mem", O_RDONLY));
	struct ai_mem_alloc request = mem_request(BLOCK, 0);

	if (mem_try(fd, &request) == 0) {
		FAILS(mem_try_map(fd, request.mmap_offset, BLOCK), EACCES);
		unsigned char *data = (unsigned char *)OK(map(fd, request.mmap_offset, BLOCK, PROT_READ, MAP_SHARED));

		FAILS(mprotect(data, BLOCK, PROT_READ | PROT_WRITE), EACCES);
	}
}

TEST(a_mapping_does_not_grow)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, 2 * BLOCK, 0, &made);

	CHECK(mremap(data, 2 * BLOCK, 4 * BLOCK, MREMAP_MAYMOVE) == MAP_FAILED);
	data[BLOCK] = 7;
	unsigned char *moved = mremap(data, 2 * BLOCK, 2 * BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, anonymous(2 * BLOCK));

	if (moved != MAP_FAILED)
		CHECK(moved[BLOCK] == 7);
}

TEST(dropped_pages_are_never_replaced_by_others)
{
	static const int advices[] = {MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_PAGEOUT, MADV_COLD, MADV_MERGEABLE,
				      MADV_HUGEPAGE, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_COLLAPSE};
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, 4 * BLOCK, 0, &made), *again = mem_map(fd, made.mmap_offset, 4 * BLOCK);

	memset(data, 0x33, 4 * BLOCK);
	for (size_t n = 0; n < sizeof(advices) / sizeof(advices[0]); n++) {
		madvise(data, 4 * BLOCK, advices[n]);
		int number = kt_signal_of_read(data);

		CHECKF(number == SIGBUS || (number == 0 && *data == 0x33), "advice %d: signal %d", advices[n], number);
		CHECK(all_bytes(again, 4 * BLOCK, 0x33));
	}
}

static void write_through(void *data)
{
	memset(data, 0x77, BLOCK);
}

TEST(a_forked_child_shares_the_memory)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, BLOCK, 0, &made);

	kt_join(kt_child(write_through, data));
	CHECK(all_bytes(data, BLOCK, 0x77));
}

TEST(freed_while_mapped_stays_until_unmapped)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, 4 * MIB, 0, &made);

	memset(data, 0x11, 4 * MIB);
	OK(mem_free(fd, made.handle));
	CHECK(mem_try_map(fd, made.mmap_offset, BLOCK) == MAP_FAILED);
	struct ai_mem_alloc other;
	unsigned char *fresh = mem_take(fd, 4 * MIB, 0, &other);

	memset(fresh, 0x22, 4 * MIB);
	CHECK(all_bytes(data, 4 * MIB, 0x11));
	struct ai_mem_alloc more = mem_request(BLOCK, 0);

	FAILS(mem_try(fd, &more), ENOMEM);
	OK(munmap(data, 2 * MIB));
	CHECK(all_bytes(data + 2 * MIB, 2 * MIB, 0x11));
	OK(munmap(data + 2 * MIB, 2 * MIB));
	EVENTUALLY(mem_try(fd, &more) == 0);
	CHECK(all_bytes(fresh, 4 * MIB, 0x22));
}

TEST(a_mapping_outlives_the_files_number)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, MIB, 0, &made);

	close(fd);
	/* The mapping holds the file: the owner has not died. */
	memset(data, 0x44, MIB);
	CHECK(mem_allocated() == MIB);
	OK(munmap(data, MIB));
	EVENTUALLY(mem_allocated() == 0);
}

TEST(a_mapping_is_not_executable_by_accident)
{
	int fd = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, AI_MEM_ALLOC_RING);
	void *code = map(fd, made.mmap_offset, BLOCK, PROT_READ | PROT_EXEC, MAP_SHARED);

	/* Allowed or not, it has to be said at once. */
	CHECK(code != MAP_FAILED || errno == EACCES || errno == EINVAL || errno == EPERM);
}

TEST(mapping_flags_are_those_of_ordinary_pages)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, BLOCK, 0, &made);
	char start[32];

	snprintf(start, sizeof(start), "%lx-", (unsigned long)data);
	const char *at = strstr(kt_read("/proc/self/smaps"), start);

	CHECK(at);
	const char *flags = strstr(at, "VmFlags:");

	CHECK(flags);
	char line[200] = "";

	sscanf(flags, "%199[^\n]", line);
	CHECKF(strstr(line, " de") && strstr(line, " dd"), "%s", line);
	CHECKF(!strstr(line, " io") && !strstr(line, " pf"), "%s", line);
}
