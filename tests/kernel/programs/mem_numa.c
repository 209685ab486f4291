// SPDX-License-Identifier: Apache-2.0
/* Two NUMA nodes: memory comes from the node that was asked for, and is accounted there. */
#include <sys/syscall.h>

#include "lib/mem.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=32");

/* Fails the case unless every page lies on that node. */
static void lies_on(unsigned char *data, size_t bytes, int node)
{
	for (size_t at = 0; at < bytes; at += BLOCK) {
		void *page = data + at;
		int status = -1;

		data[at] = 1;
		OK(syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0));
		CHECKF(status == node, "page %zu lies on node %d, wanted %d", at / BLOCK, status, node);
	}
}

static unsigned char *take_on(int fd, size_t bytes, int node, unsigned int flags)
{
	struct ai_mem_alloc request = mem_request(bytes, flags);

	request.node = node;
	OK(mem_try(fd, &request));
	return mem_map(fd, request.mmap_offset, request.bytes);
}

static void row_of(int node, unsigned long long *filled, unsigned long long *allocated)
{
	char head[16];

	snprintf(head, sizeof(head), "\n%d\t", node);
	const char *row = strstr(strstr(kt_read(MEM_PROC), "\nNode\t"), head);

	CHECKF(row, "node %d", node);
	CHECK(sscanf(row, "%*d\t%llu\t%llu", filled, allocated) == 2);
}

TEST(memory_lies_on_the_node_that_was_asked_for)
{
	int fd = mem_open();
	unsigned long long filled, allocated;

	for (int node = 0; node < 2; node++) {
		lies_on(take_on(fd, 4 * MIB, node, 0), 4 * MIB, node);
		lies_on(take_on(fd, 64 * BLOCK, node, AI_MEM_ALLOC_CONTIGUOUS), 64 * BLOCK, node);
		row_of(node, &filled, &allocated);
		CHECK(allocated == 4 * MIB + 64 * BLOCK && filled >= allocated);
	}
}

TEST(one_node_can_have_the_whole_pool)
{
	int fd = mem_open();
	unsigned long long filled, allocated;

	for (int round = 0; round < 4; round++) {
		int node = round % 2;
		unsigned char *data = take_on(fd, 32 * MIB, node, 0);

		lies_on(data, 32 * MIB, node);
		row_of(node, &filled, &allocated);
		CHECK(allocated == 32 * MIB && filled == 32 * MIB);
		row_of(1 - node, &filled, &allocated);
		CHECK(allocated == 0 && filled == 0);
		close(fd);
		OK(munmap(data, 32 * MIB));
		EVENTUALLY(mem_allocated() == 0);
		fd = mem_open();
	}
}

TEST(the_budget_holds_over_both_nodes)
{
	int fd = mem_open();

	take_on(fd, 20 * MIB, 0, 0);
	take_on(fd, 12 * MIB, 1, 0);
	struct ai_mem_alloc request = mem_request(1, 0);

	for (request.node = -1; request.node < 2; request.node++)
		FAILS(mem_try(fd, &request), ENOMEM);
	CHECK(mem_filled() == 32 * MIB);
}

TEST(without_a_wish_it_lies_near_the_caller)
{
	int fd = mem_open();

	for (int cpu = 0; cpu < 2; cpu++) {
		unsigned long mask = 1UL << cpu;
		unsigned int here, node;

		OK(syscall(SYS_sched_setaffinity, 0, sizeof(mask), &mask));
		OK(syscall(SYS_getcpu, &here, &node, NULL));
		lies_on(take_on(fd, MIB, -1, 0), MIB, (int)node);
	}
}

TEST(the_parameter_binds_the_pool_to_a_node)
{
	module_reload("ai_mem", "pool_mib=8 node=1");
	int fd = mem_open();

	lies_on(take_on(fd, 8 * MIB, -1, 0), 8 * MIB, 1);
}

TEST(a_node_that_does_not_exist_is_refused)
{
	int fd = mem_open();
	struct ai_mem_alloc request = mem_request(BLOCK, 0);

	request.node = 2;
	FAILS(mem_try(fd, &request), EINVAL);
	close(fd);
	module_drop("ai_mem");
	CHECK(module_load("ai_mem", "node=2") == -1 && errno == EINVAL);
}
