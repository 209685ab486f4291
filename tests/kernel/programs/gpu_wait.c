// SPDX-License-Identifier: Apache-2.0
/* WAIT and poll(): what is not there, what is forgotten, limits, signals, a full queue. */
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "lib/gpu.h"

SETUP(ai_mem, "pool_mib=4");
SETUP(ai_gpu, "");

TEST(unknown_fences_are_einval)
{
	int fd = gpu_open(0);
	struct ai_gpu_wait wait;
	static const uint64_t fences[] = {0, 1, 2, 1000, 1ULL << 32, 1ULL << 63, -1ULL};

	for (size_t n = 0; n < sizeof(fences) / sizeof(fences[0]); n++)
		FAILS(gpu_try_wait(fd, fences[n], FOREVER, &wait), EINVAL);
	uint64_t fence = gpu_launch(fd, 3);

	CHECK(gpu_wait(fd, fence, NULL) == 0);
	FAILS(gpu_try_wait(fd, fence + 1, FOREVER, &wait), EINVAL);
	/* Another file's fence means nothing here. */
	FAILS(gpu_try_wait(gpu_open(0), fence, FOREVER, &wait), EINVAL);
}

TEST(a_result_can_be_asked_for_again_until_it_is_forgotten)
{
	int fd = gpu_open(0);
	struct ai_gpu_wait wait;
	uint64_t first = gpu_launch(fd, 4), last = first;

	for (int n = 0; n < 3; n++) {
		CHECK(gpu_wait(fd, first, &wait) == 0);
		CHECK(wait.result == 24);
	}
	for (int n = 0; n < 256; n++)
		CHECK(gpu_wait(fd, last = gpu_launch(fd, 3), NULL) == 0);
	FAILS(gpu_try_wait(fd, first, 0, &wait), ENOENT);
	CHECK(gpu_wait(fd, first + 1, &wait) == 0 && wait.result == 6);
	CHECK(gpu_wait(fd, last, &wait) == 0 && wait.result == 6);
}

TEST(a_wait_ends_in_time_and_the_job_goes_on)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	struct ai_gpu_wait wait;
	uint64_t fence = gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);

	FAILS(gpu_try_wait(fd, fence, 0, &wait), ETIME);
	FAILS(gpu_try_wait(fd, fence, 1, &wait), ETIME);
	CHECK(gpu_wait(fd, fence, &wait) == 0 && wait.bounced_bytes == 0);
}

static void ignore(int number)
{
	(void)number;
}

TEST(a_signal_ends_the_wait_not_the_job)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	struct sigaction handler = {.sa_handler = ignore};
	struct itimerval soon = {{0, 0}, {0, 10000}};
	struct ai_gpu_wait wait;

	OK(sigaction(SIGALRM, &handler, NULL));
	for (int n = 0; n < 3; n++) {
		uint64_t fence = gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);

		gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);
		OK(setitimer(ITIMER_REAL, &soon, NULL));
		FAILS(gpu_try_wait(fd, fence + 1, FOREVER, &wait), EINTR);
		CHECK(gpu_wait(fd, fence + 1, &wait) == 0);
		CHECK(gpu_wait(fd, fence, &wait) == 0);
	}
	handler.sa_flags = SA_RESTART;
	OK(sigaction(SIGALRM, &handler, NULL));
	uint64_t fence = gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);

	OK(setitimer(ITIMER_REAL, &soon, NULL));
	CHECK(gpu_wait(fd, fence, NULL) == 0);
}

TEST(a_signal_kills_a_waiting_process)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);

	for (int n = 0; n < 5; n++)
		gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK);
	int pid = fork();

	if (pid == 0) {
		struct ai_gpu_wait wait;

		gpu_try_wait(fd, gpu_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, BLOCK), FOREVER, &wait);
		_exit(0);
	}
	usleep(50000);
	OK(kill(pid, SIGKILL));
	OK(waitpid(pid, NULL, 0));
	EVENTUALLY(gpu_info(fd).queued == 0);
}

TEST(poll_tells_an_uncollected_result)
{
	int fd = gpu_open(0);
	struct pollfd one = {fd, POLLIN | POLLPRI, 0};

	CHECK(poll(&one, 1, 0) == 0);
	uint64_t fence = gpu_launch(fd, 6);

	CHECK(poll(&one, 1, -1) == 1 && one.revents == POLLIN);
	CHECK(poll(&one, 1, 0) == 1);
	CHECK(gpu_wait(fd, fence, NULL) == 0);
	CHECK(poll(&one, 1, 0) == 0);
	/* Of another file it tells nothing. */
	one.fd = gpu_open(0);
	gpu_wait(fd, gpu_launch(fd, 6), NULL);
	CHECK(poll(&one, 1, 0) == 0);
}

TEST(a_full_queue_is_eagain_or_a_wait)
{
	int fd = (int)OK(gpu_try_open(0, O_RDWR | O_NONBLOCK)), blocking = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	uint64_t fence, count = 0;

	while (gpu_try_dma(fd, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, 16, &fence) == 0)
		CHECK(++count <= 300);
	CHECK(errno == EAGAIN);
	CHECKF(gpu_info(fd).queue_limit == 256 && gpu_info(fd).queued == 256, "%u", gpu_info(fd).queued);
	/* One that may wait does so; a signal ends it. */
	struct sigaction handler = {.sa_handler = ignore};
	struct itimerval soon = {{0, 0}, {0, 3000}};
	int result = 0;

	OK(sigaction(SIGALRM, &handler, NULL));
	for (int n = 0; n < 3 && result == 0; n++) {
		OK(setitimer(ITIMER_REAL, &soon, NULL));
		result = gpu_try_dma(blocking, buffer.dmabuf, AI_GPU_TO_DEVICE, 0, 0, 16, &fence);
	}
	CHECK(result == -1 && errno == EINTR);
	struct pollfd room = {fd, POLLIN, 0};

	CHECK(poll(&room, 1, -1) == 1);
	/* Closing cancels what waits: the device is soon free for others. */
	close(fd);
	CHECK(gpu_wait(blocking, gpu_launch(blocking, 3), NULL) == 0);
	CHECK(gpu_info(blocking).queued == 0);
}

TEST(death_cancels_what_is_queued)
{
	int fd = gpu_open(0);

	for (int n = 0; n < 5; n++) {
		int pid = fork();

		if (pid == 0) {
			int own = gpu_open(0);
			struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);

			for (int job = 0; job < 100; job++)
				gpu_dma(own, buffer.dmabuf, AI_GPU_FROM_DEVICE, 0, 0, BLOCK);
			raise(SIGKILL);
		}
		EVENTUALLY(gpu_info(fd).queued == 0 && mem_allocated() == 0);
	}
}
