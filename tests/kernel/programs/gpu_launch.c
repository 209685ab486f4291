// SPDX-License-Identifier: Apache-2.0
/* LAUNCH: the device computes, tells its end by an interrupt, and the result is its own. */
#include "lib/gpu.h"

SETUP(ai_gpu, "");

static uint64_t factorial_of(int fd, uint64_t argument)
{
	struct ai_gpu_wait wait;

	CHECK(gpu_wait(fd, gpu_launch(fd, argument), &wait) == 0);
	return wait.result;
}

TEST(ten_factorial_by_interrupt)
{
	int fd = gpu_open(0);
	struct ai_gpu_info before = gpu_info(fd), after;

	CHECK(before.functions & 1);
	CHECK(factorial_of(fd, 10) == 3628800);
	after = gpu_info(fd);
	CHECK(after.launches == before.launches + 1);
	CHECK(after.interrupts > before.interrupts);
}

TEST(every_argument_up_to_forty)
{
	int fd = gpu_open(0);

	for (uint32_t n = 0, expected = 1; n <= 40; n++) {
		expected *= n ? n : 1;
		CHECKF(factorial_of(fd, n) == expected, "%u!", n);
	}
}

TEST(a_hundred_launches_in_a_row)
{
	int fd = gpu_open(0);
	uint64_t fence = 0;
	struct ai_gpu_wait wait;

	for (int n = 0; n < 100; n++)
		fence = gpu_launch(fd, 5);
	for (int n = 99; n >= 0; n--) {
		CHECK(gpu_wait(fd, fence - (uint64_t)n, &wait) == 0);
		CHECK(wait.result == 120);
	}
}

TEST(wide_arguments_and_unknown_functions_are_refused)
{
	int fd = gpu_open(0);
	uint64_t fence;
	static const unsigned int functions[] = {0, 2, 3, 0x80000000, 0xffffffff};

	for (size_t n = 0; n < sizeof(functions) / sizeof(functions[0]); n++)
		CHECK(gpu_try_launch(fd, functions[n], 1, &fence) == -1 && (errno == EINVAL || errno == EOPNOTSUPP));
	FAILS(gpu_try_launch(fd, AI_GPU_FUNCTION_FACTORIAL, 1ULL << 32, &fence), EINVAL);
	FAILS(gpu_try_launch(fd, AI_GPU_FUNCTION_FACTORIAL, -1ULL, &fence), EINVAL);
	CHECK(gpu_info(fd).queued == 0);
}
