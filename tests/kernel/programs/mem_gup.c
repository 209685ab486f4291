// SPDX-License-Identifier: Apache-2.0
/* The mapping consists of ordinary pages: others may pin them, and a page that is pinned is never given to somebody else. */
#include <signal.h>
#include <sys/sysmacros.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "lib/mem.h"
#include "lib/uring.h"

SETUP(ai_mem, "pool_mib=8");

static int file_of(unsigned char value, size_t bytes)
{
	int fd = memfd_create("pattern", 0);
	static unsigned char page[BLOCK];

	memset(page, value, BLOCK);
	for (size_t n = 0; n < bytes / BLOCK; n++)
		CHECK(write(fd, page, BLOCK) == (ssize_t)BLOCK);
	return fd;
}

TEST(io_uring_registers_it_and_moves_data_both_ways)
{
	int fd = mem_open(), file = file_of(0x3c, MIB);
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, MIB, 0, &made);
	struct uring ring = uring_open();

	OK(uring_register(&ring, data, MIB));
	CHECK(uring_transfer(&ring, file, false, data, MIB) == (int)MIB);
	CHECK(all_bytes(data, MIB, 0x3c));
	memset(data, 0x4d, MIB);
	CHECK(uring_transfer(&ring, file, true, data, MIB) == (int)MIB);
	unsigned char *copy = anonymous(MIB);

	CHECK(pread(file, copy, MIB, 0) == (ssize_t)MIB && all_bytes(copy, MIB, 0x4d));
}

TEST(io_uring_registers_the_mapping_of_a_dmabuf)
{
	int fd = mem_open(), file = file_of(0x2b, 4 * BLOCK);
	int dmabuf = mem_export(fd, mem_alloc(fd, 4 * BLOCK, 0).handle);
	unsigned char *data = (unsigned char *)OK(mmap(NULL, 4 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0));
	struct uring ring = uring_open();

	OK(uring_register(&ring, data, 4 * BLOCK));
	CHECK(uring_transfer(&ring, file, false, data, 4 * BLOCK) == (int)(4 * BLOCK));
	CHECK(all_bytes(data, 4 * BLOCK, 0x2b));
}

struct pinned {
	struct uring ring;
	unsigned char *data;
	int ready;
};

static void register_and_pause(void *argument)
{
	struct pinned *pinned = argument;
	struct ai_mem_alloc made;
	int fd = mem_open();

	CHECK(mem_take(fd, 2 * MIB, 0, &made) != NULL);
	/* At the address that the parent will name in its request. */
	OK(mmap(pinned->data, 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)made.mmap_offset));
	OK(uring_register(&pinned->ring, pinned->data, 2 * MIB));
	OK(write(pinned->ready, "x", 1));
	pause();
}

TEST(pages_pinned_by_io_uring_are_not_reused_after_their_owners_death)
{
	int channel[2], file = file_of(0xee, 2 * MIB);
	char byte;

	OK(pipe(channel));
	struct pinned pinned = {uring_open(), anonymous(2 * MIB), channel[1]};
	int pid = kt_child(register_and_pause, &pinned);

	CHECK(read(channel[0], &byte, 1) == 1);
	OK(kill(pid, SIGKILL));
	OK(waitpid(pid, NULL, 0));
	EVENTUALLY(mem_allocated() == 0);
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *all = mem_take(fd, 8 * MIB, 0, &made);

	CHECK(all_bytes(all, 8 * MIB, 0));
	/* The ring still holds the pages: what it writes must not reach the new owner. */
	CHECK(uring_transfer(&pinned.ring, file, false, pinned.data, 2 * MIB) == (int)(2 * MIB));
	CHECK(all_bytes(all, 8 * MIB, 0));
	close(pinned.ring.fd);
}

TEST(pages_pinned_by_io_uring_are_not_reused_after_free)
{
	int fd = mem_open(), file = file_of(0xdd, MIB);
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, MIB, 0, &made);
	struct uring ring = uring_open();

	OK(uring_register(&ring, data, MIB));
	OK(munmap(data, MIB));
	OK(mem_free(fd, made.handle));
	EVENTUALLY(mem_allocated() == 0);
	unsigned char *all = mem_take(fd, 8 * MIB, 0, &made);

	CHECK(uring_transfer(&ring, file, false, data, MIB) == (int)MIB);
	CHECK(all_bytes(all, 8 * MIB, 0));
}

TEST(vmsplice_keeps_its_pages)
{
	int fd = mem_open(), channel[2];
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, 4 * BLOCK, 0, &made);
	struct iovec vector = {data, 4 * BLOCK};
	static unsigned char copy[4 * 4096];

	memset(data, 0x71, 4 * BLOCK);
	OK(pipe(channel));
	CHECK(vmsplice(channel[1], &vector, 1, 0) == (ssize_t)(4 * BLOCK));
	OK(munmap(data, 4 * BLOCK));
	OK(mem_free(fd, made.handle));
	EVENTUALLY(mem_allocated() == 0);
	unsigned char *all = mem_take(fd, 8 * MIB, 0, &made);

	memset(all, 0x99, 8 * MIB);
	CHECK(read(channel[0], copy, sizeof(copy)) == (ssize_t)sizeof(copy));
	CHECK(all_bytes(copy, sizeof(copy), 0x71));
}

TEST(another_process_reads_it)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, 4 * BLOCK, 0, &made), *copy = anonymous(4 * BLOCK);

	memset(data, 0x1f, 4 * BLOCK);
	struct iovec to = {copy, 4 * BLOCK}, from = {data, 4 * BLOCK};

	CHECK(process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)(4 * BLOCK));
	CHECK(all_bytes(copy, 4 * BLOCK, 0x1f));
	memset(copy, 0x2e, 4 * BLOCK);
	CHECK(process_vm_writev(getpid(), &to, 1, &from, 1, 0) == (ssize_t)(4 * BLOCK));
	CHECK(all_bytes(data, 4 * BLOCK, 0x2e));
}

TEST(direct_io_goes_to_it_where_there_is_a_disk)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, 4 * BLOCK, 0, &made);

	mknod("/tmp/ram0", S_IFBLK | 0600, makedev(1, 0));
	int disk = open("/tmp/ram0", O_RDWR | O_DIRECT);

	/* The packaged kernels have the RAM disk as a module, which is not in the initramfs. */
	if (disk < 0)
		kt_skip("no RAM disk in this kernel");
	memset(data, 0x6b, 4 * BLOCK);
	CHECK(pwrite(disk, data, 4 * BLOCK, 0) == (ssize_t)(4 * BLOCK));
	memset(data, 0, 4 * BLOCK);
	CHECK(pread(disk, data, 4 * BLOCK, 0) == (ssize_t)(4 * BLOCK));
	CHECK(all_bytes(data, 4 * BLOCK, 0x6b));
}

TEST(holes_left_by_pinned_pages_are_filled_again)
{
	int fd = mem_open();
	struct ai_mem_alloc made;

	for (int n = 0; n < 8; n++) {
		unsigned char *data = mem_take(fd, 8 * MIB, 0, &made);
		struct uring ring = uring_open();

		OK(uring_register(&ring, data, 4 * MIB));
		OK(munmap(data, 8 * MIB));
		OK(mem_free(fd, made.handle));
		EVENTUALLY(mem_allocated() == 0);
		data = mem_take(fd, 8 * MIB, 0, &made);
		CHECK(all_bytes(data, 8 * MIB, 0));
		OK(munmap(data, 8 * MIB));
		OK(mem_free(fd, made.handle));
		close(ring.fd);
	}
}
