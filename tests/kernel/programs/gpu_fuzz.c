// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzzers for /dev/ai_gpuN. Most requests are refused, and closing cancels what waits: an hour is not spent on a device that
 * takes 100 ms for each transfer.
 */
#include <signal.h>
#include <sys/wait.h>

#include "lib/fuzz.h"
#include "lib/gpu.h"

SETUP(ai_mem, "pool_mib=4");
SETUP(ai_gpu, "");

enum { FILES = 3 };

static int files[FILES];
static struct gpu_buffer buffer;
static int read_only;

static void start(void)
{
	int count = gpu_count();

	fuzz_start(PROGRAM);
	for (int n = 0; n < FILES; n++)
		files[n] = (int)OK(gpu_try_open(n % count, O_RDWR | O_NONBLOCK));
	buffer = gpu_buffer(2 * BLOCK, 0);
	read_only = mem_try_export(buffer.owner, buffer.made.handle, AI_MEM_EXPORT_READ_ONLY);
}

static void finish(void)
{
	for (int n = 0; n < FILES; n++)
		close(files[n]);
	int fd = gpu_open(0);
	struct ai_gpu_wait wait;

	EVENTUALLY(gpu_info(fd).queued == 0);
	if (gpu_info(fd).state == AI_GPU_STATE_FAILED)
		OK(gpu_reset(fd));
	int status = gpu_wait(fd, gpu_launch(fd, 10), &wait);

	CHECKF(status == 0 && wait.result == 3628800, "status %d, result %llu", status, (unsigned long long)wait.result);
	CHECK(gpu_to(fd, buffer.dmabuf, 0, 0, BLOCK) == 0);
	EVENTUALLY(gpu_info(fd).mapped_bytes == 0);
	fuzz_end();
}

static int any_file(void)
{
	unsigned int n = (unsigned int)fuzz_below(FILES);

	/* Closing cancels what waits in the queue. */
	if (fuzz_below(2000) == 0) {
		int count = gpu_count();

		close(files[n]);
		files[n] = (int)OK(gpu_try_open((int)fuzz_below((uint64_t)count), O_RDWR | O_NONBLOCK));
	}
	return files[n];
}

TEST_SECONDS(dma, 900)
{
	start();
	for (long n = 0; n < fuzz_count(); n++) {
		static const unsigned int lengths[] = {1, 16, 4095, 4096, 4097, 8192};
		struct { struct ai_gpu_dma known; unsigned char tail[64]; } request = {
			.known = {.size = sizeof(request.known), .dmabuf_fd = fuzz_below(8) ? buffer.dmabuf : read_only,
				  .direction = (unsigned int)fuzz_below(4), .offset = fuzz_below(4) ? fuzz_below(8200) : fuzz_word(),
				  .device_address = fuzz_below(4) ? fuzz_below(4100) : fuzz_word(),
				  .length = fuzz_below(2) ? lengths[fuzz_below(6)] : fuzz_word()}};

		fuzz_spoil(&request, sizeof(request.known), sizeof(request));
		if (fuzz_below(16) == 0)
			request.known.dmabuf_fd = (int)fuzz_below(64);
		ioctl(any_file(), AI_GPU_IOC_DMA, &request);
	}
	finish();
}

TEST_SECONDS(launch_and_wait, 900)
{
	start();
	for (long n = 0; n < fuzz_count(); n++) {
		struct { struct ai_gpu_launch known; unsigned char tail[64]; } request = {
			.known = {.size = sizeof(request.known), .function = (unsigned int)fuzz_below(8) ? 1 : (unsigned int)fuzz_word(),
				  /* Not so large that the device computes for seconds. */
				  .argument = fuzz_below(8) ? fuzz_below(20) : fuzz_word() | 1ULL << 32}};
		int fd = any_file();

		fuzz_spoil(&request, sizeof(request.known), sizeof(request));
		request.known.argument = request.known.argument >> 32 ? request.known.argument : request.known.argument % 1000;
		ioctl(fd, AI_GPU_IOC_LAUNCH, &request);
		struct { struct ai_gpu_wait known; unsigned char tail[64]; } wait = {
			.known = {.size = sizeof(wait.known), .fence = fuzz_below(4) ? fuzz_below(request.known.fence + 2) : fuzz_word()}};

		fuzz_spoil(&wait, sizeof(wait.known), sizeof(wait));
		wait.known.timeout_ms = (unsigned int)fuzz_below(2);
		ioctl(fd, AI_GPU_IOC_WAIT, &wait);
	}
	finish();
}

TEST_SECONDS(any_number_and_struct, 900)
{
	start();
	for (long n = 0; n < fuzz_count(); n++) {
		size_t bytes = fuzz_below(240);
		unsigned char *at = fuzz_page_end(bytes);
		unsigned int number = AI_GPU_IOC_INFO + (unsigned int)fuzz_below(6);

		if (fuzz_below(8) == 0)
			number = (unsigned int)fuzz_word();
		fuzz_fill(at);
		/* No wait without limit, no launch of seconds, few resets. */
		if (number == AI_GPU_IOC_WAIT && bytes >= sizeof(struct ai_gpu_wait))
			((struct ai_gpu_wait *)at)->timeout_ms = 0;
		if (number == AI_GPU_IOC_LAUNCH && bytes >= sizeof(struct ai_gpu_launch))
			((struct ai_gpu_launch *)at)->argument |= 1ULL << 40;
		if (number == AI_GPU_IOC_RESET && fuzz_below(200))
			continue;
		ioctl(any_file(), number, fuzz_below(32) ? at : (void *)fuzz_word());
	}
	finish();
}

static void noise(void *argument)
{
	(void)argument;
	for (;;) {
		struct pollfd one = {files[0], POLLIN, 0};

		kt_read(GPU_PROC);
		poll(&one, 1, 0);
		gpu_info(files[0]);
	}
}

TEST_SECONDS(all_at_once_from_several_processes, 900)
{
	start();
	int noisy = kt_child(noise, NULL), pids[3];

	for (int child = 0; child < 3; child++) {
		pids[child] = fork();
		if (pids[child])
			continue;
		fuzz_reseed((unsigned int)child);
		for (long n = 0; n < fuzz_count() / 3; n++) {
			int fd = files[fuzz_below(FILES)];
			struct ai_gpu_wait wait;
			uint64_t fence = 0;

			if (fuzz_below(50) == 0)
				gpu_try_dma(fd, buffer.dmabuf, 1 + (unsigned int)fuzz_below(2), 0, 0, fuzz_below(4100), &fence);
			else
				gpu_try_launch(fd, AI_GPU_FUNCTION_FACTORIAL, fuzz_below(30), &fence);
			gpu_try_wait(fd, fuzz_below(fence + 2), 0, &wait);
			if (fuzz_below(3000) == 0)
				gpu_reset(fd);
		}
		_exit(0);
	}
	for (int child = 0; child < 3; child++)
		kt_join(pids[child]);
	OK(kill(noisy, SIGKILL));
	OK(waitpid(noisy, NULL, 0));
	finish();
}
