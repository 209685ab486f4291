// SPDX-License-Identifier: Apache-2.0
/* EXPORT: what the dma-buf offers, how long it holds the memory, and what its owner's death does to it. */
#include <linux/dma-buf.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/mem.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=8");

static void *map(int fd, size_t offset, size_t bytes, int protection)
{
	return mmap(NULL, bytes, protection, MAP_SHARED, fd, (off_t)offset);
}

TEST(it_has_the_size_and_the_bytes_of_the_allocation)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, MIB + 1, 0, &made);
	int dmabuf = mem_export(fd, made.handle);

	CHECK(lseek(dmabuf, 0, SEEK_END) == (off_t)made.bytes);
	unsigned char *other = (unsigned char *)OK(map(dmabuf, 0, made.bytes, PROT_READ | PROT_WRITE));

	memset(data, 0x42, made.bytes);
	CHECK(all_bytes(other, made.bytes, 0x42));
	unsigned char *part = (unsigned char *)OK(map(dmabuf, made.bytes - BLOCK, BLOCK, PROT_READ | PROT_WRITE));

	part[BLOCK - 1] = 1;
	CHECK(data[made.bytes - 1] == 1);
	CHECK(fcntl(dmabuf, F_GETFD) == FD_CLOEXEC);
	CHECK(mem_stat(fd).exports == 1);
}

TEST(mappings_beyond_its_end_are_refused)
{
	int fd = mem_open();
	int dmabuf = mem_export(fd, mem_alloc(fd, 2 * BLOCK, 0).handle);

	CHECK(map(dmabuf, 0, 3 * BLOCK, PROT_READ) == MAP_FAILED);
	CHECK(map(dmabuf, 2 * BLOCK, BLOCK, PROT_READ) == MAP_FAILED);
	CHECK(map(dmabuf, 1UL << 40, BLOCK, PROT_READ) == MAP_FAILED);
	CHECK(map(dmabuf, 0x7ffffffffffff000, BLOCK, PROT_READ) == MAP_FAILED);
	CHECK(mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE, dmabuf, 0) == MAP_FAILED);
}

TEST(access_is_bracketed_by_sync)
{
	static const unsigned long long good[] = {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW};
	int fd = mem_open();
	int dmabuf = mem_export(fd, mem_alloc(fd, BLOCK, 0).handle);

	for (int n = 0; n < 3; n++) {
		struct dma_buf_sync sync = {good[n] | DMA_BUF_SYNC_START};

		OK(ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync));
		sync.flags = good[n] | DMA_BUF_SYNC_END;
		OK(ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync));
	}
	struct dma_buf_sync bad = {0xff};

	FAILS(ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &bad), EINVAL);
}

TEST(a_read_only_one_cannot_be_written)
{
	int fd = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, 0);
	int dmabuf = (int)OK(mem_try_export(fd, made.handle, AI_MEM_EXPORT_READ_ONLY));

	CHECK((fcntl(dmabuf, F_GETFL) & O_ACCMODE) == O_RDONLY);
	FAILS(map(dmabuf, 0, BLOCK, PROT_READ | PROT_WRITE), EACCES);
	void *data = (void *)OK(map(dmabuf, 0, BLOCK, PROT_READ));

	FAILS(mprotect(data, BLOCK, PROT_READ | PROT_WRITE), EACCES);
	int writable = mem_export(fd, made.handle);

	OK(map(writable, 0, BLOCK, PROT_READ | PROT_WRITE));
}

TEST(it_holds_the_memory_after_free)
{
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *data = mem_take(fd, 8 * MIB, 0, &made);
	int dmabuf = mem_export(fd, made.handle);

	memset(data, 0x66, 8 * MIB);
	OK(munmap(data, 8 * MIB));
	OK(mem_free(fd, made.handle));
	struct ai_mem_alloc more = mem_request(BLOCK, 0);

	FAILS(mem_try(fd, &more), ENOMEM);
	unsigned char *still = (unsigned char *)OK(map(dmabuf, 0, 8 * MIB, PROT_READ));

	CHECK(all_bytes(still, 8 * MIB, 0x66));
	OK(munmap(still, 8 * MIB));
	close(dmabuf);
	EVENTUALLY(mem_try(fd, &more) == 0);
}

struct owner {
	int socket;
	unsigned int flags;
	size_t bytes;
};

static void send_file(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	*header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
				   .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	CHECK(sendmsg(socket, &message, 0) == 1);
}

static int receive_file(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd;

	CHECK(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

static void own_and_wait(void *argument)
{
	struct owner *owner = argument;
	struct ai_mem_alloc made;
	int fd = mem_open();
	unsigned char *data = mem_take(fd, owner->bytes, owner->flags, &made);

	memset(data, 0x5c, made.bytes);
	send_file(owner->socket, mem_export(fd, made.handle));
	pause();
}

/* A process that owns memory and has sent its dma-buf here. */
static int start_owner(unsigned int flags, size_t bytes, int *dmabuf)
{
	int pair[2];

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	struct owner owner = {pair[1], flags, bytes};
	int pid = kt_child(own_and_wait, &owner);

	*dmabuf = receive_file(pair[0]);
	close(pair[0]);
	close(pair[1]);
	return pid;
}

static void end_owner(int pid)
{
	OK(kill(pid, SIGKILL));
	OK(waitpid(pid, NULL, 0));
}

TEST(a_dead_owners_memory_comes_back_from_under_a_mapped_dmabuf)
{
	int dmabuf;
	int pid = start_owner(0, 8 * MIB, &dmabuf);
	unsigned char *data = (unsigned char *)OK(map(dmabuf, 0, 8 * MIB, PROT_READ | PROT_WRITE));

	CHECK(all_bytes(data, 8 * MIB, 0x5c));
	end_owner(pid);
	EVENTUALLY(mem_allocated() == 0);
	CHECK(kt_signal_of_read(data) == SIGBUS);
	CHECK(kt_signal_of_write(data + 4 * MIB) == SIGBUS);
	FAILS(map(dmabuf, 0, BLOCK, PROT_READ), ENODEV);
	int fd = mem_open();
	struct ai_mem_alloc made;
	unsigned char *fresh = mem_take(fd, 8 * MIB, 0, &made);

	CHECK(all_bytes(fresh, 8 * MIB, 0));
	memset(fresh, 0x99, 8 * MIB);
	CHECK(kt_signal_of_read(data) == SIGBUS);
	OK(munmap(data, 8 * MIB));
	close(dmabuf);
	CHECK(all_bytes(fresh, 8 * MIB, 0x99));
}

TEST(a_shared_one_outlives_its_owner)
{
	int dmabuf;
	int pid = start_owner(AI_MEM_ALLOC_SHARED, 4 * MIB, &dmabuf);
	unsigned char *data = (unsigned char *)OK(map(dmabuf, 0, 4 * MIB, PROT_READ | PROT_WRITE));

	end_owner(pid);
	EVENTUALLY(kt_figure(MEM_PROC, "Orphaned") == 4 * MIB);
	CHECK(mem_allocated() == 4 * MIB);
	CHECK(all_bytes(data, 4 * MIB, 0x5c));
	unsigned char *again = (unsigned char *)OK(map(dmabuf, 0, 4 * MIB, PROT_READ | PROT_WRITE));

	again[5] = 1;
	CHECK(data[5] == 1);
	close(dmabuf);
	CHECK(mem_allocated() == 4 * MIB);
	OK(munmap(data, 4 * MIB));
	OK(munmap(again, 4 * MIB));
	EVENTUALLY(mem_allocated() == 0 && kt_figure(MEM_PROC, "Orphaned") == 0);
}

TEST(the_module_stays_while_a_dmabuf_is_open)
{
	int fd = mem_open();
	int dmabuf = mem_export(fd, mem_alloc(fd, BLOCK, 0).handle);

	close(fd);
	CHECK(module_unload("ai_mem") == -1 && errno == EWOULDBLOCK);
	EVENTUALLY(mem_allocated() == 0);
	CHECK(module_unload("ai_mem") == -1 && errno == EWOULDBLOCK);
	close(dmabuf);
}

TEST(thousands_are_opened_and_closed)
{
	int fd = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, 0);

	for (int n = 0; n < 2000; n++)
		close(mem_export(fd, made.handle));
	for (int n = 0; n < 500; n++)
		mem_export(fd, made.handle);
	CHECK(mem_stat(fd).exports == 500);
	int count = 500;

	while (mem_try_export(fd, made.handle, 0) >= 0)
		CHECK(++count <= 1024);
	CHECK(errno == EMFILE && mem_stat(fd).exports == (unsigned int)count);
}
