// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzzers, one for each entry point: arguments are near what is valid, near its edges, or noise. What they look for is not an
 * answer but a kernel that stays whole: its log is read at the end, the books have to balance, the memory has to be there.
 */
#include <signal.h>
#include <sys/wait.h>

#include "lib/fuzz.h"
#include "lib/klog.h"
#include "lib/mem.h"

SETUP(ai_mem, "pool_mib=8 owner_limit_mib=6 idle_ms=20");

enum { FILES = 3 };

static int files[FILES];

static void start(void)
{
	fuzz_start(PROGRAM);
	for (int n = 0; n < FILES; n++)
		files[n] = mem_open();
}

static void finish(void)
{
	struct ai_mem_stat stat = mem_stat(files[0]);

	CHECK(stat.allocated_bytes <= stat.filled_bytes && stat.filled_bytes <= stat.pool_bytes);
	for (int n = 0; n < FILES; n++)
		close(files[n]);
	fuzz_close_all();
	EVENTUALLY(mem_allocated() == 0 && kt_figure(MEM_PROC, "Owners") == 0 && kt_figure(MEM_PROC, "Exports") == 0);
	int fd = mem_open();
	struct ai_mem_alloc made;

	CHECK(all_bytes(mem_take(fd, 6 * MIB, 0, &made), 6 * MIB, 0));
	fuzz_end();
}

static int any_file(void)
{
	return files[fuzz_below(FILES)];
}

/* Frees what a file holds now and then, so that a fuzzer does not only meet a full pool. */
static void make_room(void)
{
	if (fuzz_below(64))
		return;
	unsigned int n = (unsigned int)fuzz_below(FILES);

	close(files[n]);
	files[n] = mem_open();
}

static const unsigned int edges[] = {0, 1, 4095, 4096, 4097, 8192, 1 << 20, 6 << 20, (6 << 20) + 1, 8 << 20, (8 << 20) + 1};

static unsigned long long any_size(void)
{
	switch (fuzz_below(8)) {
	case 0:
		return fuzz_word();
	case 1:
		return edges[fuzz_below(sizeof(edges) / sizeof(edges[0]))];
	default:
		return fuzz_below(40) * 1024;
	}
}

TEST_SECONDS(alloc, 900)
{
	start();
	for (long n = 0; n < fuzz_count(); n++) {
		struct { struct ai_mem_alloc known; unsigned char tail[64]; } request = {
			.known = mem_request(any_size(), fuzz_below(8))};

		request.known.node = fuzz_below(4) ? -1 : (int)fuzz_word();
		fuzz_spoil(&request, sizeof(request.known), sizeof(request));
		ioctl(any_file(), AI_MEM_IOC_ALLOC, &request);
		make_room();
	}
	finish();
}

TEST_SECONDS(export_and_free, 900)
{
	start();
	for (long n = 0; n < fuzz_count(); n++) {
		int fd = any_file();
		struct ai_mem_alloc made = mem_request(fuzz_below(4) * 4096 + 1, 0);

		if (fuzz_below(4) == 0)
			mem_try(fd, &made);
		struct { struct ai_mem_export known; unsigned char tail[64]; } request = {
			.known = {.size = sizeof(request.known), .flags = (unsigned int)fuzz_below(2),
				  .handle = (unsigned int)fuzz_below(made.handle + 2)}};

		fuzz_spoil(&request, sizeof(request.known), sizeof(request));
		request.known.fd = -1;
		if (ioctl(fd, AI_MEM_IOC_EXPORT, &request) == 0)
			fuzz_keep(request.known.fd);
		struct { struct ai_mem_free known; unsigned char tail[64]; } release = {
			.known = {.size = sizeof(release.known), .handle = (unsigned int)fuzz_below(made.handle + 2)}};

		fuzz_spoil(&release, sizeof(release.known), sizeof(release));
		ioctl(fuzz_below(4) ? fd : any_file(), AI_MEM_IOC_FREE, &release);
		make_room();
	}
	finish();
}

TEST_SECONDS(map, 900)
{
	start();
	for (long n = 0; n < fuzz_count(); n++) {
		int fd = any_file();
		struct ai_mem_alloc made = mem_request(fuzz_below(16) * 4096 + 1, AI_MEM_ALLOC_RING);

		if (fuzz_below(8) == 0)
			mem_try(fd, &made);
		unsigned long long offset = fuzz_below(4) ? made.mmap_offset + fuzz_below(20) * 4096 : fuzz_word() & ~4095ULL;
		size_t bytes = fuzz_below(16) ? fuzz_below(20) * 4096 : fuzz_word();
		int protection = (int)fuzz_below(8), flags = fuzz_below(8) ? MAP_SHARED : (int)fuzz_below(4);

		if (fuzz_below(8) == 0 && made.ring_offset)
			offset = made.ring_offset + fuzz_below(2) * 4096;
		unsigned char *data = mmap(NULL, bytes, protection, flags, fd, (off_t)offset);

		if (data != MAP_FAILED) {
			if (protection & PROT_WRITE && bytes)
				data[fuzz_below(bytes)] = 1;
			madvise(data, bytes, (int)fuzz_below(26));
			if (fuzz_below(4) == 0 && bytes > 4096)
				munmap(data, 4096);
			munmap(data, bytes);
		}
		make_room();
	}
	finish();
}

TEST_SECONDS(any_number_and_struct, 900)
{
	start();
	for (long n = 0; n < fuzz_count(); n++) {
		unsigned char *at = fuzz_page_end(fuzz_below(200) + 4);
		unsigned int number = fuzz_below(8) ? AI_MEM_IOC_ALLOC + (unsigned int)fuzz_below(5) : (unsigned int)fuzz_word();

		fuzz_fill(at);
		struct ai_mem_export *export = (void *)at;

		if (ioctl(any_file(), number, fuzz_below(32) ? at : (void *)fuzz_word()) == 0 &&
		    number == AI_MEM_IOC_EXPORT)
			fuzz_keep(export->fd);
		make_room();
	}
	finish();
}

TEST_SECONDS(dmabuf_calls, 900)
{
	start();
	for (long n = 0; n < fuzz_count(); n++) {
		int fd = any_file();
		struct ai_mem_alloc made = mem_request(3 * 4096, fuzz_below(2) * AI_MEM_ALLOC_SHARED);

		if (fuzz_below(8) == 0 && mem_try(fd, &made) == 0)
			fuzz_keep(mem_try_export(fd, made.handle, (unsigned int)fuzz_below(2)));
		int dmabuf = fuzz_kept();
		unsigned long long words[8] = {fuzz_below(16), fuzz_word()};

		if (dmabuf < 0)
			continue;
		switch (fuzz_below(5)) {
		case 0:
			ioctl(dmabuf, _IOC((unsigned int)fuzz_below(4), 'b', fuzz_below(8), fuzz_below(32)), words);
			break;
		case 1:
			ioctl(dmabuf, (unsigned long)_IOW('b', 0, unsigned long long), words);
			break;
		case 2:
			lseek(dmabuf, (off_t)fuzz_word(), (int)fuzz_below(5));
			break;
		default: {
			size_t bytes = fuzz_below(5) * 4096;
			unsigned char *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf,
						   (off_t)(fuzz_below(8) ? fuzz_below(4) * 4096 : fuzz_word() & ~4095ULL));

			if (data != MAP_FAILED) {
				kt_signal_of_write(data);
				munmap(data, bytes);
			}
		}
		}
		make_room();
	}
	finish();
}

static void noise(void *argument)
{
	(void)argument;
	for (;;) {
		mem_stat(files[0]);
		kt_read(MEM_PROC);
		close(mem_open());
	}
}

TEST_SECONDS(all_at_once_from_several_processes, 900)
{
	start();
	int noisy = kt_child(noise, NULL);
	long count = fuzz_count() / 4;
	int pids[3];

	for (int child = 0; child < 3; child++) {
		pids[child] = fork();
		if (pids[child])
			continue;
		fuzz_reseed((unsigned int)child);
		for (long n = 0; n < count; n++) {
			int fd = files[fuzz_below(FILES)];
			struct ai_mem_alloc made = mem_request(any_size(), fuzz_below(8));

			if (fuzz_below(2))
				mem_try(fd, &made);
			if (fuzz_below(2))
				mem_free(fd, (unsigned int)fuzz_below(made.handle + 8));
			if (fuzz_below(4) == 0)
				fuzz_keep(mem_try_export(fd, (unsigned int)fuzz_below(made.handle + 8), 0));
		}
		_exit(0);
	}
	for (int child = 0; child < 3; child++)
		kt_join(pids[child]);
	OK(kill(noisy, SIGKILL));
	OK(waitpid(noisy, NULL, 0));
	finish();
}
