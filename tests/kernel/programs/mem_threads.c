// SPDX-License-Identifier: Apache-2.0
/* Several writers at once, and signals in the middle of calls. */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "lib/mem.h"

SETUP(ai_mem, "pool_mib=8 idle_ms=50");

enum { THREADS = 4, ROUNDS = 400 };

static int shared_fd;

static void *churn(void *argument)
{
	uint64_t state = (uintptr_t)argument * 7919 + 1;
	unsigned char mark = (unsigned char)(uintptr_t)argument;

	for (int round = 0; round < ROUNDS; round++) {
		struct ai_mem_alloc made = mem_request((kt_random(&state) % 64 + 1) * BLOCK,
						       kt_random(&state) % 2 ? AI_MEM_ALLOC_RING : 0);

		if (mem_try(shared_fd, &made)) {
			CHECK(errno == ENOMEM);
			continue;
		}
		unsigned char *data = mem_map(shared_fd, made.mmap_offset, made.bytes);

		CHECK(all_bytes(data, made.bytes, 0));
		memset(data, mark, made.bytes);
		int dmabuf = kt_random(&state) % 4 ? -1 : mem_export(shared_fd, made.handle);

		mem_stat(shared_fd);
		CHECK(all_bytes(data, made.bytes, mark));
		OK(munmap(data, made.bytes));
		OK(mem_free(shared_fd, made.handle));
		if (dmabuf >= 0)
			close(dmabuf);
	}
	return NULL;
}

static void run(void *(*function)(void *))
{
	pthread_t threads[THREADS];

	for (uintptr_t n = 0; n < THREADS; n++)
		CHECK(pthread_create(&threads[n], NULL, function, (void *)(n + 1)) == 0);
	for (int n = 0; n < THREADS; n++)
		CHECK(pthread_join(threads[n], NULL) == 0);
}

TEST(threads_on_one_file_do_not_mix_their_memory)
{
	shared_fd = mem_open();
	run(churn);
	EVENTUALLY(mem_stat(shared_fd).owner_bytes == 0 && mem_allocated() == 0);
}

static unsigned int contested;
static int winners;
static pthread_barrier_t barrier;

static void *free_it(void *argument)
{
	(void)argument;
	for (int round = 0; round < ROUNDS; round++) {
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			contested = mem_alloc(shared_fd, BLOCK, AI_MEM_ALLOC_RING).handle;
		pthread_barrier_wait(&barrier);
		if (mem_free(shared_fd, contested) == 0)
			__atomic_add_fetch(&winners, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST(one_of_two_frees_wins)
{
	shared_fd = mem_open();
	CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
	run(free_it);
	CHECKF(winners == ROUNDS, "%d", winners);
	CHECK(mem_stat(shared_fd).owner_bytes == 0);
}

static void *use_or_free(void *argument)
{
	for (int round = 0; round < ROUNDS; round++) {
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			contested = mem_alloc(shared_fd, 4 * BLOCK, 0).handle;
		pthread_barrier_wait(&barrier);
		if ((uintptr_t)argument == 1) {
			OK(mem_free(shared_fd, contested));
			continue;
		}
		int dmabuf = mem_try_export(shared_fd, contested, 0);

		if (dmabuf < 0)
			continue;
		unsigned char *data = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);

		if (data != MAP_FAILED) {
			*data = 1;
			OK(munmap(data, BLOCK));
		}
		close(dmabuf);
	}
	return NULL;
}

TEST(export_races_with_free)
{
	shared_fd = mem_open();
	CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
	run(use_or_free);
	EVENTUALLY(mem_allocated() == 0 && kt_figure(MEM_PROC, "Exports") == 0);
}

static void *open_and_close(void *argument)
{
	uint64_t state = (uintptr_t)argument;

	for (int round = 0; round < ROUNDS; round++) {
		int fd = mem_open();
		struct ai_mem_alloc made = mem_request((kt_random(&state) % 256 + 1) * BLOCK, AI_MEM_ALLOC_RING);

		if (mem_try(fd, &made) == 0 && round % 3 == 0)
			close(mem_export(fd, made.handle));
		close(fd);
	}
	return NULL;
}

TEST(owners_come_and_go_at_once)
{
	run(open_and_close);
	EVENTUALLY(mem_allocated() == 0 && kt_figure(MEM_PROC, "Owners") == 0);
}

static void ignore(int number)
{
	(void)number;
}

static void interrupted_calls(int flags)
{
	struct sigaction handler = {.sa_handler = ignore, .sa_flags = flags};
	struct itimerval often = {{0, 500}, {0, 500}}, never = {0};
	int fd = mem_open();

	OK(sigaction(SIGALRM, &handler, NULL));
	OK(setitimer(ITIMER_REAL, &often, NULL));
	for (int round = 0; round < 200; round++) {
		struct ai_mem_alloc made = mem_request(8 * MIB, AI_MEM_ALLOC_RING);

		if (mem_try(fd, &made)) {
			CHECKF(errno == EINTR, "round %d", round);
			continue;
		}
		OK(mem_free(fd, made.handle));
	}
	OK(setitimer(ITIMER_REAL, &never, NULL));
	CHECK(mem_stat(fd).owner_bytes == 0 && mem_allocated() == 0);
}

TEST(signals_in_the_middle_lose_nothing)
{
	interrupted_calls(0);
}

TEST(restarted_calls_lose_nothing)
{
	interrupted_calls(SA_RESTART);
}
