// SPDX-License-Identifier: Apache-2.0
/* Owners: an open file owns its memory, whoever holds that file; what limits say; what a death gives back. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/mem.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=16 owner_limit_mib=4 cgroup_limit_mib=6");

static void alloc_here(void *argument)
{
	mem_alloc(*(int *)argument, MIB, 0);
}

TEST(a_child_adds_to_the_same_owner)
{
	int fd = mem_open();

	kt_join(kt_child(alloc_here, &fd));
	CHECK(mem_stat(fd).owner_bytes == MIB);
	CHECK(mem_allocated() == MIB);
	close(fd);
	EVENTUALLY(mem_allocated() == 0);
}

TEST(the_owner_lives_until_the_last_close)
{
	int fd = mem_open();
	int copy = dup(fd);

	mem_alloc(fd, MIB, 0);
	close(fd);
	CHECK(mem_allocated() == MIB);
	close(copy);
	EVENTUALLY(mem_allocated() == 0);
}

static void alloc_and_pause(void *argument)
{
	int fd = mem_open();
	struct ai_mem_alloc made;

	memset(mem_take(fd, 2 * MIB, AI_MEM_ALLOC_RING, &made), 1, 2 * MIB);
	OK(write(*(int *)argument, "x", 1));
	pause();
}

TEST(a_killed_process_gives_everything_back)
{
	int channel[2];
	char byte;

	OK(pipe(channel));
	for (int n = 0; n < 20; n++) {
		int pid = kt_child(alloc_and_pause, &channel[1]);

		CHECK(read(channel[0], &byte, 1) == 1);
		CHECK(mem_allocated() == 2 * MIB && kt_figure(MEM_PROC, "Owners") == 1);
		kill(pid, SIGKILL);
		OK(waitpid(pid, NULL, 0));
		EVENTUALLY(mem_allocated() == 0 && kt_figure(MEM_PROC, "Owners") == 0);
	}
}

static void alloc_without_end(void *argument)
{
	(void)argument;
	for (;;) {
		int fd = mem_open();
		struct ai_mem_alloc made = mem_alloc(fd, MIB + BLOCK, AI_MEM_ALLOC_RING);

		close(mem_export(fd, made.handle));
		OK(munmap(mem_map(fd, made.mmap_offset, made.bytes), made.bytes));
		OK(mem_free(fd, made.handle));
		mem_alloc(fd, MIB, 0);
		close(fd);
	}
}

TEST(death_in_the_middle_of_a_call_leaves_nothing)
{
	for (int n = 0; n < 60; n++) {
		int pid = kt_child(alloc_without_end, NULL);

		usleep((unsigned int)n * 150);
		kill(pid, SIGKILL);
		OK(waitpid(pid, NULL, 0));
	}
	EVENTUALLY(mem_allocated() == 0);
	EVENTUALLY(kt_figure(MEM_PROC, "Exports") == 0);
}

TEST(the_owners_limit_is_edquot)
{
	int fd = mem_open(), other = mem_open();
	struct ai_mem_alloc request = mem_request(4 * MIB + BLOCK, 0);

	CHECK(mem_stat(fd).owner_limit_bytes == 4 * MIB);
	FAILS(mem_try(fd, &request), EDQUOT);
	struct ai_mem_alloc made = mem_alloc(fd, 4 * MIB, 0);

	request = mem_request(1, 0);
	FAILS(mem_try(fd, &request), EDQUOT);
	mem_alloc(other, MIB, 0);
	OK(mem_free(fd, made.handle));
	mem_alloc(fd, MIB, 0);
}

TEST(the_cgroups_limit_is_edquot_and_comes_back)
{
	CHECK(mkdir("/sys/fs/cgroup/codex-a", 0755) == 0 || errno == EEXIST);
	OK(kt_write("/sys/fs/cgroup/codex-a/cgroup.procs", "0"));
	int one = mem_open(), two = mem_open();

	mem_alloc(one, 4 * MIB, 0);
	CHECK(mem_stat(one).cgroup_limit_bytes == 6 * MIB && mem_stat(one).cgroup_bytes == 4 * MIB);
	struct ai_mem_alloc made = mem_alloc(two, 2 * MIB, 0), request = mem_request(1, 0);

	FAILS(mem_try(two, &request), EDQUOT);
	CHECK(strstr(kt_read(MEM_PROC), "\t/codex-a\n"));
	OK(kt_write("/sys/fs/cgroup/cgroup.procs", "0"));
	/* Memory stays charged to where it was allocated; the new group has room. */
	int three = mem_open();

	mem_alloc(three, 4 * MIB, 0);
	CHECK(mem_stat(three).cgroup_bytes == 4 * MIB);
	OK(mem_free(two, made.handle));
	close(one);
	close(two);
	close(three);
	EVENTUALLY(mem_allocated() == 0);
	OK(rmdir("/sys/fs/cgroup/codex-a"));
}
