// SPDX-License-Identifier: Apache-2.0
/* The form of the calls: versions of structs, pointers, unknown numbers, file operations that do not exist. */
#include <sys/uio.h>

#include "lib/mem.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=4");

static const struct {
	unsigned int number;
	unsigned int size;
} calls[] = {
	{AI_MEM_IOC_ALLOC, sizeof(struct ai_mem_alloc)},
	{AI_MEM_IOC_EXPORT, sizeof(struct ai_mem_export)},
	{AI_MEM_IOC_FREE, sizeof(struct ai_mem_free)},
	{AI_MEM_IOC_STAT, sizeof(struct ai_mem_stat)},
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

TEST(shorter_structs_are_refused)
{
	int fd = mem_open();

	for (size_t n = 0; n < CALLS; n++)
		for (unsigned int size = 0; size < calls[n].size; size++) {
			unsigned int page[1024] = {size};

			FAILS(ioctl(fd, calls[n].number, page), EINVAL);
			CHECK(all_bytes((unsigned char *)(page + 1), sizeof(page) - 4, 0));
		}
	CHECK(mem_allocated() == 0);
}

TEST(longer_structs_work_while_their_tail_is_zero)
{
	int fd = mem_open();
	struct { struct ai_mem_alloc known; unsigned char tail[100]; } request = {
		.known = mem_request(BLOCK, 0)};

	request.known.size = sizeof(request);
	OK(ioctl(fd, AI_MEM_IOC_ALLOC, &request));
	CHECK(request.known.bytes == BLOCK && all_bytes(request.tail, sizeof(request.tail), 0));
	unsigned int handle = request.known.handle;

	for (size_t at = 0; at < sizeof(request.tail); at++) {
		request.known = mem_request(BLOCK, 0);
		request.known.size = sizeof(request);
		request.tail[at] = 1;
		FAILS(ioctl(fd, AI_MEM_IOC_ALLOC, &request), E2BIG);
		request.tail[at] = 0;
	}
	OK(mem_free(fd, handle));
	CHECK(mem_allocated() == 0);
}

TEST(absurd_struct_sizes_are_refused)
{
	static const unsigned int sizes[] = {4097, 65536, 1U << 20, 0x7fffffff, 0x80000000, 0xffffffff};
	int fd = mem_open();

	for (size_t n = 0; n < CALLS; n++)
		for (size_t m = 0; m < sizeof(sizes) / sizeof(sizes[0]); m++) {
			unsigned int page[2048] = {sizes[m]};
			int result = ioctl(fd, calls[n].number, page);

			CHECKF(result == -1 && (errno == E2BIG || errno == EINVAL || errno == EFAULT),
			       "call %zu size %u", n, sizes[m]);
		}
}

TEST(bad_pointers_are_efault)
{
	int fd = mem_open();
	unsigned char *pages = anonymous(2 * BLOCK);

	OK(mprotect(pages + BLOCK, BLOCK, PROT_NONE));
	for (size_t n = 0; n < CALLS; n++) {
		FAILS(ioctl(fd, calls[n].number, NULL), EFAULT);
		FAILS(ioctl(fd, calls[n].number, 1), EFAULT);
		FAILS(ioctl(fd, calls[n].number, -1L), EFAULT);
		FAILS(ioctl(fd, calls[n].number, 0xffff800000000000UL), EFAULT);
		for (unsigned int inside = 4; inside < calls[n].size; inside += 4) {
			unsigned char *at = pages + BLOCK - inside;

			memcpy(at, &calls[n].size, 4);
			FAILS(ioctl(fd, calls[n].number, at), EFAULT);
		}
	}
	CHECK(mem_allocated() == 0);
}

TEST(an_answer_that_cannot_be_written_leaves_nothing)
{
	int fd = mem_open();
	struct ai_mem_alloc *page = anonymous(BLOCK);

	*page = mem_request(BLOCK, AI_MEM_ALLOC_RING);
	OK(mprotect(page, BLOCK, PROT_READ));
	for (int n = 0; n < 100; n++)
		FAILS(ioctl(fd, AI_MEM_IOC_ALLOC, page), EFAULT);
	CHECK(mem_stat(fd).owner_bytes == 0 && mem_allocated() == 0);

	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, 0);
	struct ai_mem_export *out = anonymous(BLOCK);

	*out = (struct ai_mem_export){.size = sizeof(*out), .handle = made.handle, .fd = -1};
	OK(mprotect(out, BLOCK, PROT_READ));
	int next = dup(fd);

	close(next);
	for (int n = 0; n < 100; n++)
		FAILS(ioctl(fd, AI_MEM_IOC_EXPORT, out), EFAULT);
	CHECK(dup(fd) == next);
	EVENTUALLY(mem_stat(fd).exports == 0);
}

TEST(flags_and_reserved_words_are_zero)
{
	int fd = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, 0);

	for (int bit = 0; bit < 32; bit++) {
		struct ai_mem_stat stat = {.size = sizeof(stat), .flags = 1U << bit};
		struct ai_mem_free release = {.size = sizeof(release), .handle = made.handle, .flags = 1U << bit};

		FAILS(ioctl(fd, AI_MEM_IOC_STAT, &stat), EINVAL);
		FAILS(ioctl(fd, AI_MEM_IOC_FREE, &release), EINVAL);
		release.flags = 0;
		release.reserved = 1U << bit;
		FAILS(ioctl(fd, AI_MEM_IOC_FREE, &release), EINVAL);
		if (bit >= 1)
			FAILS(mem_try_export(fd, made.handle, 1U << bit), EINVAL);
	}
	OK(mem_free(fd, made.handle));
}

TEST(unknown_numbers_are_enotty)
{
	int fd = mem_open();
	unsigned int page[1024] = {64};

	for (unsigned int number = 0; number < 256; number++) {
		if (number >= 0x90 && number <= 0x93)
			continue;
		FAILS(ioctl(fd, _IO('A', number), page), ENOTTY);
	}
	for (size_t n = 0; n < CALLS; n++) {
		FAILS(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'A', calls[n].number & 0xff, calls[n].size), page), ENOTTY);
		FAILS(ioctl(fd, calls[n].number ^ 0x100, page), ENOTTY);
	}
}

TEST(reading_and_writing_the_device_is_refused)
{
	int fd = mem_open();
	char byte = 0;
	struct iovec vector = {&byte, 1};

	CHECK(read(fd, &byte, 1) == -1 && errno == EINVAL);
	CHECK(write(fd, &byte, 1) == -1 && errno == EINVAL);
	CHECK(pread(fd, &byte, 1, 0) == -1);
	CHECK(pwrite(fd, &byte, 1, 0) == -1);
	CHECK(readv(fd, &vector, 1) == -1);
	CHECK(writev(fd, &vector, 1) == -1);
	CHECK(ftruncate(fd, 1) == -1);
	CHECK(fallocate(fd, 0, 0, 4096) == -1);
}

TEST(every_way_to_open_is_answered)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_NONBLOCK, O_RDONLY | O_APPEND, O_RDWR | O_TRUNC};

	for (size_t n = 0; n < sizeof(modes) / sizeof(modes[0]); n++) {
		int fd = (int)OK(open("/dev/ai_mem", modes[n]));

		mem_stat(fd);
		close(fd);
	}
	int path = (int)OK(open("/dev/ai_mem", O_PATH));
	struct ai_mem_stat stat = {.size = sizeof(stat)};

	FAILS(ioctl(path, AI_MEM_IOC_STAT, &stat), EBADF);
}
