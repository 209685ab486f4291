// SPDX-License-Identifier: Apache-2.0
/* /proc/ai_memory: the fixed lines to the letter, the tables, names as the reader's namespaces have them. */
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/mem.h"

SETUP(ai_mem, "pool_mib=256");

static const char empty[] =
	"AI Memory Allocator Status\n"
	"===========================\n"
	"Total Pool Size: 256 MB\n"
	"Block Size: 4 KB\n"
	"Total Blocks: 65536\n"
	"Allocated: 0 bytes\n"
	"Filled: 0 bytes\n"
	"Peak: 0 bytes\n"
	"Orphaned: 0 bytes\n"
	"Owners: 0\n"
	"Exports: 0\n"
	"\n"
	"Node\tFilled\tAllocated\n"
	"0\t0\t0\n";

TEST(an_unused_pool_reads_word_for_word)
{
	const char *text = kt_read(MEM_PROC);

	CHECKF(!strncmp(text, empty, strlen(empty)), "%s", text);
	const char *rest = text + strlen(empty);

	/* A machine with more nodes has more rows. */
	while (*rest >= '0' && *rest <= '9')
		rest = strchr(rest, '\n') + 1;
	CHECKF(!strcmp(rest, "\nPID\tUID\tBytes\tCgroup\n"), "%s", rest);
}

TEST(an_owner_has_a_row)
{
	int fd = mem_open();
	char row[100];

	mem_alloc(fd, 5 * BLOCK, 0);
	mem_alloc(fd, 1, 0);
	snprintf(row, sizeof(row), "\nPID\tUID\tBytes\tCgroup\n%d\t0\t%zu\t/\n", getpid(), 6 * BLOCK);
	CHECKF(strstr(kt_read(MEM_PROC), row), "%s", kt_read(MEM_PROC));
	CHECK(kt_figure(MEM_PROC, "Owners") == 1);
	CHECK(strstr(kt_read(MEM_PROC), "\nAllocated: 24576 bytes\n"));
	CHECK(kt_figure(MEM_PROC, "Peak") >= 6 * BLOCK);
}

TEST(a_file_that_holds_nothing_is_no_owner)
{
	int fd = mem_open();

	mem_stat(fd);
	CHECK(kt_figure(MEM_PROC, "Owners") == 0);
}

TEST(it_can_only_be_read)
{
	struct stat found;
	char byte;

	OK(stat(MEM_PROC, &found));
	CHECK((found.st_mode & 0777) == 0444 && found.st_uid == 0);
	int fd = open(MEM_PROC, O_WRONLY);

	if (fd >= 0)
		CHECK(write(fd, "x", 1) == -1);
	fd = (int)OK(open(MEM_PROC, O_RDONLY));
	CHECK(write(fd, "x", 1) == -1);
	CHECK(mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK(ioctl(fd, AI_MEM_IOC_STAT, &byte) == -1);
}

TEST(small_reads_and_seeks_give_the_same_text)
{
	int fd = mem_open(), proc = (int)OK(open(MEM_PROC, O_RDONLY));
	static char whole[65536], part[65536];
	size_t length = 0;

	mem_alloc(fd, BLOCK, 0);
	strcpy(whole, kt_read(MEM_PROC));
	for (size_t step = 1; step < 60; step += 7) {
		OK(lseek(proc, 0, SEEK_SET));
		length = 0;
		for (ssize_t got; (got = read(proc, part + length, step)) > 0;)
			length += (size_t)got;
		part[length] = 0;
		CHECKF(!strcmp(whole, part), "step %zu", step);
	}
	CHECK(pread(proc, part, 10, 30) == 10 && !memcmp(part, whole + 30, 10));
	CHECK(pread(proc, part, 10, 1 << 20) == 0);
}

static void own_and_pause(void *argument)
{
	mem_alloc(mem_open(), BLOCK, 0);
	OK(write(*(int *)argument, "x", 1));
	pause();
}

TEST(five_hundred_owners_have_five_hundred_rows)
{
	enum { COUNT = 500 };
	int files[COUNT];
	size_t rows = 0;

	for (int n = 0; n < COUNT; n++) {
		files[n] = mem_open();
		mem_alloc(files[n], BLOCK, 0);
	}
	CHECK(kt_figure(MEM_PROC, "Owners") == COUNT);
	for (const char *at = strstr(kt_read(MEM_PROC), "\nPID\t") + 1; (at = strchr(at, '\n')) && at[1]; at++)
		rows++;
	CHECKF(rows == COUNT, "%zu", rows);
}

TEST(the_pid_is_that_of_the_readers_namespace)
{
	int channel[2], status;
	char byte;

	OK(pipe(channel));
	kt_child(own_and_pause, &channel[1]);
	CHECK(read(channel[0], &byte, 1) == 1);
	OK(unshare(CLONE_NEWPID));
	int pid = fork();

	if (pid == 0) {
		/* First process of its namespace: the owner outside has no number here. */
		OK(unshare(CLONE_NEWNS));
		CHECKF(strstr(kt_read(MEM_PROC), "Cgroup\n0\t0\t4096\t"), "%s", kt_read(MEM_PROC));
		mem_alloc(mem_open(), 2 * BLOCK, 0);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

TEST(the_uid_is_that_of_the_readers_namespace)
{
	int fd = mem_open();

	mem_alloc(fd, BLOCK, 0);
	OK(unshare(CLONE_NEWUSER));
	/* Root outside has no number in a namespace without a map: the overflow id. */
	CHECKF(strstr(kt_read(MEM_PROC), "\t65534\t4096\t"), "%s", kt_read(MEM_PROC));
}

TEST(the_cgroup_is_that_of_the_readers_namespace)
{
	CHECK(mkdir("/sys/fs/cgroup/codex-b", 0755) == 0 || errno == EEXIST);
	OK(kt_write("/sys/fs/cgroup/codex-b/cgroup.procs", "0"));
	/* The owner belongs to the cgroup that opened the file. */
	int fd = mem_open();

	mem_alloc(fd, BLOCK, 0);
	CHECKF(strstr(kt_read(MEM_PROC), "\t4096\t/codex-b\n"), "%s", kt_read(MEM_PROC));
	OK(unshare(CLONE_NEWCGROUP));
	CHECKF(strstr(kt_read(MEM_PROC), "\t4096\t/\n"), "%s", kt_read(MEM_PROC));
}

static void read_without_end(void *argument)
{
	(void)argument;
	for (;;)
		CHECK(!strncmp(kt_read(MEM_PROC), empty, 26));
}

TEST(reading_while_owners_come_and_go)
{
	kt_child(read_without_end, NULL);
	for (int n = 0; n < 300; n++) {
		int fd = mem_open();

		close(mem_export(fd, mem_alloc(fd, BLOCK, 0).handle));
		close(fd);
	}
}
