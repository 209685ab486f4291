// SPDX-License-Identifier: Apache-2.0
/* Runtime power management: a device that nobody uses sleeps, a job wakes it, a look does not. */
#include "lib/gpu.h"

SETUP(ai_mem, "pool_mib=4");
SETUP(ai_gpu, "");

static bool is(int fd, const char *state)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/power/runtime_status", gpu_folder(fd));
	return !strncmp(kt_read(path), state, strlen(state));
}

TEST(it_sleeps_after_a_while_and_a_job_wakes_it)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	char path[100];

	snprintf(path, sizeof(path), "%s/power/control", gpu_folder(fd));
	OK(kt_write(path, "auto"));
	for (int n = 0; n < 3; n++) {
		CHECK(gpu_wait(fd, gpu_launch(fd, 10), NULL) == 0);
		EVENTUALLY(is(fd, "suspended"));
		CHECK(gpu_to(fd, buffer.dmabuf, 0, 0, BLOCK) == 0);
		CHECK(is(fd, "active"));
	}
}

TEST(looking_does_not_wake_it)
{
	int fd = gpu_open(0);

	EVENTUALLY(is(fd, "suspended"));
	struct ai_gpu_info info = gpu_info(fd);
	struct pollfd one = {fd, POLLIN, 0};

	CHECK(info.state == AI_GPU_STATE_ACTIVE && (info.identification & 0xffff) == 0x00ed);
	CHECK(strstr(kt_read(GPU_PROC), "Status: Active"));
	CHECK(poll(&one, 1, 0) == 0);
	CHECK(is(fd, "suspended"));
}

TEST(device_memory_survives_the_sleep)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);

	memset(buffer.data, 0x37, BLOCK);
	CHECK(gpu_to(fd, buffer.dmabuf, 0, 0, BLOCK) == 0);
	memset(buffer.data, 0, BLOCK);
	EVENTUALLY(is(fd, "suspended"));
	CHECK(gpu_from(fd, buffer.dmabuf, 0, 0, BLOCK) == 0);
	CHECK(all_bytes(buffer.data, BLOCK, 0x37));
}
