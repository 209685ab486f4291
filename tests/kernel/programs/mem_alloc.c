// SPDX-License-Identifier: Apache-2.0
/* ALLOC and FREE: sizes, limits of the pool, what a block holds when it is given out. */
#include "lib/mem.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=16");

TEST(nothing_is_filled_at_load)
{
	CHECK(mem_filled() == 0);
	int fd = mem_open();

	mem_stat(fd);
	CHECK(mem_filled() == 0);
}

TEST(the_pool_is_filled_at_the_first_alloc)
{
	int fd = mem_open();

	mem_alloc(fd, BLOCK, 0);
	struct ai_mem_stat stat = mem_stat(fd);

	CHECK(stat.pool_bytes == 16 * MIB);
	CHECKF(stat.filled_bytes == 16 * MIB, "%llu", (unsigned long long)stat.filled_bytes);
}

TEST(sizes_are_rounded_up_to_blocks)
{
	static const size_t cases[][2] = {{1, BLOCK}, {BLOCK - 1, BLOCK}, {BLOCK, BLOCK},
					  {BLOCK + 1, 2 * BLOCK}, {MIB + 1, MIB + BLOCK}};
	int fd = mem_open();
	unsigned long long sum = 0;

	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		struct ai_mem_alloc made = mem_alloc(fd, cases[n][0], 0);

		CHECKF(made.bytes == cases[n][1], "%zu", cases[n][0]);
		sum += made.bytes;
		CHECK(mem_stat(fd).owner_bytes == sum);
		CHECK(mem_allocated() == sum);
	}
}

TEST(impossible_sizes_are_refused)
{
	static const unsigned long long sizes[] = {
		0, 16 * MIB + 1, 17 * MIB, 1ULL << 31, 1ULL << 32, 1ULL << 44, 1ULL << 62,
		1ULL << 63, (1ULL << 63) - 1, -1ULL, -4096ULL, -4095ULL, -8191ULL};
	int fd = mem_open();

	for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
		struct ai_mem_alloc request = mem_request(sizes[n], 0), before = request;

		FAILS(mem_try(fd, &request), EINVAL);
		CHECK(!memcmp(&request, &before, sizeof(request)));
	}
	CHECK(mem_allocated() == 0);
}

TEST(a_full_pool_is_enomem)
{
	int fd = mem_open();
	struct ai_mem_alloc all = mem_alloc(fd, 16 * MIB, 0), more = mem_request(1, 0);
	unsigned long long failures = mem_stat(fd).failures;

	FAILS(mem_try(fd, &more), ENOMEM);
	CHECK(mem_stat(fd).failures == failures + 1);
	OK(mem_free(fd, all.handle));
	mem_alloc(fd, 16 * MIB, 0);
}

TEST(every_single_block_can_be_had)
{
	int fd = mem_open();
	struct ai_mem_alloc more = mem_request(1, 0);

	for (size_t n = 0; n < 16 * MIB / BLOCK; n++)
		mem_alloc(fd, 1, 0);
	FAILS(mem_try(fd, &more), ENOMEM);
	CHECK(mem_allocated() == 16 * MIB);
}

TEST(scattered_holes_serve_a_large_request)
{
	enum { COUNT = 16 * 256 };
	static unsigned int handles[COUNT];
	int fd = mem_open();

	for (int n = 0; n < COUNT; n++)
		handles[n] = mem_alloc(fd, 1, 0).handle;
	for (int n = 0; n < COUNT; n += 2)
		OK(mem_free(fd, handles[n]));
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, 8 * MIB, 0, &made);

	memset(data, 0x5a, made.bytes);
	CHECK(all_bytes(data, made.bytes, 0x5a));
	struct ai_mem_alloc contiguous = mem_request(2 * BLOCK, AI_MEM_ALLOC_CONTIGUOUS);

	FAILS(mem_try(fd, &contiguous), ENOMEM);
}

TEST(contiguous_has_its_own_limit)
{
	int fd = mem_open();
	unsigned long long most = mem_stat(fd).max_contiguous_bytes;

	CHECKF(most >= MIB && most <= 16 * MIB, "%llu", most);
	struct ai_mem_alloc request = mem_request(most + 1, AI_MEM_ALLOC_CONTIGUOUS);

	FAILS(mem_try(fd, &request), EINVAL);
	mem_alloc(fd, most, AI_MEM_ALLOC_CONTIGUOUS);
	mem_alloc(fd, 3 * BLOCK, AI_MEM_ALLOC_CONTIGUOUS);
}

TEST(blocks_are_zero_when_given_out)
{
	int fd = mem_open();
	struct ai_mem_alloc made;

	for (int round = 0; round < 3; round++) {
		unsigned char *data = mem_take(fd, 16 * MIB, 0, &made);

		CHECKF(all_bytes(data, made.bytes, 0), "round %d", round);
		memset(data, 0xa5, made.bytes);
		OK(munmap(data, made.bytes));
		OK(mem_free(fd, made.handle));
	}
}

TEST(blocks_of_a_dead_owner_are_zero)
{
	struct ai_mem_alloc made;
	int dead = mem_open();
	unsigned char *data = mem_take(dead, 16 * MIB, 0, &made);

	memset(data, 0xa5, made.bytes);
	OK(munmap(data, made.bytes));
	close(dead);
	int fd = mem_open();

	data = mem_take(fd, 16 * MIB, 0, &made);
	CHECK(all_bytes(data, made.bytes, 0));
}

TEST(unknown_flags_and_nodes_are_refused)
{
	static const int nodes[] = {-2, 1000, 4096, 0x7fffffff, -0x7fffffff - 1};
	int fd = mem_open();

	for (int bit = 3; bit < 32; bit++) {
		struct ai_mem_alloc request = mem_request(BLOCK, 1U << bit);

		FAILS(mem_try(fd, &request), EINVAL);
	}
	for (size_t n = 0; n < sizeof(nodes) / sizeof(nodes[0]); n++) {
		struct ai_mem_alloc request = mem_request(BLOCK, 0);

		request.node = nodes[n];
		FAILS(mem_try(fd, &request), EINVAL);
	}
}

TEST(a_handle_is_freed_once_by_its_owner)
{
	int fd = mem_open(), other = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, 0);

	CHECK(mem_free(other, made.handle) == -1 && (errno == ENOENT || errno == EINVAL));
	OK(mem_free(fd, made.handle));
	CHECK(mem_free(fd, made.handle) == -1 && (errno == ENOENT || errno == EINVAL));
	CHECK(mem_free(fd, 0) == -1);
	CHECK(mem_free(fd, 0xffffffff) == -1);
	CHECK(mem_try_export(fd, made.handle, 0) == -1);
}

TEST(a_failed_fill_or_full_pool_leaves_no_trace)
{
	int fd = mem_open();
	struct ai_mem_stat before = mem_stat(fd);

	for (int n = 0; n < 200; n++) {
		struct ai_mem_alloc made = mem_alloc(fd, 16 * MIB - BLOCK, 0);
		struct ai_mem_alloc more = mem_request(2 * BLOCK, AI_MEM_ALLOC_RING);

		FAILS(mem_try(fd, &more), ENOMEM);
		OK(mem_free(fd, made.handle));
	}
	struct ai_mem_stat after = mem_stat(fd);

	CHECK(after.allocated_bytes == 0 && after.owner_bytes == 0 && after.exports == 0);
	CHECK(after.allocations - before.allocations == 200 && after.frees - before.frees == 200);
}
