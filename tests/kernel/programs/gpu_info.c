// SPDX-License-Identifier: Apache-2.0
/* INFO and /proc/ai_gpu: the same truth in two forms, and what the calls refuse. */
#include <sys/stat.h>

#include "lib/gpu.h"
#include "lib/module.h"

SETUP(ai_mem, "pool_mib=4");
SETUP(ai_gpu, "");

TEST(info_tells_the_device)
{
	struct ai_gpu_info info = gpu_info(gpu_open(0));

	CHECK(info.size == sizeof(info) && info.vendor == 0x1234 && info.device == 0x11e8);
	CHECKF((info.identification & 0xffff) == 0x00ed, "%08x", info.identification);
	CHECK(info.state == AI_GPU_STATE_ACTIVE && info.memory_bytes == 4096 && info.queue_limit == 256);
	CHECK(strlen(info.address) == 12 && !strncmp(info.address, "0000:", 5));
	CHECK(access(gpu_folder(gpu_open(0)), F_OK) == 0);
}

static const char fixed[] =
	"AI GPU Direct Access Status\n"
	"============================\n"
	"Status: Active\n"
	"Device: 1234:11e8\n"
	"DMA Buffer: 0 MB\n"
	"\n"
	"Statistics:\n"
	"  Transfers to GPU: 0\n"
	"  Transfers from GPU: 0\n"
	"  Bytes to GPU: 0 MB\n"
	"  Bytes from GPU: 0 MB\n"
	"  Kernel launches: 0\n";

TEST(one_fresh_device_reads_word_for_word)
{
	if (gpu_count() != 1)
		kt_skip("the machine has several devices");
	module_reload("ai_gpu", "");
	const char *text = kt_read(GPU_PROC);

	CHECKF(!strncmp(text, fixed, strlen(fixed)), "%s", text);
	CHECK(strstr(text, "\n  Timeouts: 0\n  Resets: 0\n  Queued: 0\n  Bytes to GPU (exact): 0\n"));
	CHECK(strstr(text, "\n  Bounced bytes: 0\n"));
}

TEST(without_a_device_nothing_is_invented)
{
	char path[100], address[16];
	int count = gpu_count();

	for (int n = 0; n < count; n++) {
		int fd = gpu_open(n);

		snprintf(address, sizeof(address), "%s", gpu_info(fd).address);
		close(fd);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", address);
		OK(kt_write(path, address));
	}
	const char *text = kt_read(GPU_PROC), *start = "AI GPU Direct Access Status\n============================\nStatus: Not initialized\n";

	CHECKF(!strncmp(text, start, strlen(start)), "%s", text);
	CHECKF(!strstr(text, "Statistics") && !strstr(text, "Device:"), "%s", text);
	module_reload("ai_gpu", "");
	CHECK(gpu_count() == count);
}

TEST(several_devices_are_numbered)
{
	int count = gpu_count();

	if (count < 2)
		kt_skip("the machine has one device");
	const char *text = kt_read(GPU_PROC);

	CHECK(strstr(text, "\nGPU 0:\nStatus: Active\n") && strstr(text, "\nGPU 1:\nStatus: Active\n"));
}

TEST(proc_counts_what_was_done)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);

	if (gpu_count() != 1)
		kt_skip("the machine has several devices");
	unsigned long long to = kt_figure(GPU_PROC, "  Bytes to GPU (exact)"), launches = kt_figure(GPU_PROC, "  Kernel launches");

	CHECK(gpu_to(fd, buffer.dmabuf, 0, 0, 1000) == 0);
	CHECK(gpu_wait(fd, gpu_launch(fd, 3), NULL) == 0);
	CHECK(kt_figure(GPU_PROC, "  Bytes to GPU (exact)") == to + 1000);
	CHECK(kt_figure(GPU_PROC, "  Kernel launches") == launches + 1);
	CHECK(kt_figure(GPU_PROC, "  Transfers to GPU") == gpu_info(fd).transfers_to);
	CHECK(kt_figure(GPU_PROC, "  Interrupts") == gpu_info(fd).interrupts);
}

TEST(other_functions_are_observed_only)
{
	const char *text = strstr(kt_read(GPU_PROC), "\nObserved Functions:\n");

	if (!text)
		kt_skip("the machine has no display function");
	char line[400] = "";

	sscanf(text, "\nObserved Functions:\n%399[^\n]", line);
	for (int n = 0; n < 2; n++) {
		static const char *const parts[] = {"\tdriver=", "\tlink=", "\tmax=", "\tport=", "\tport_max=", "\tnode=",
						    "\tpower=", "\taer_correctable=", "\taer_uncorrectable="};

		for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++)
			CHECKF(strstr(line, parts[part]), "%s", line);
	}
	CHECKF(strstr(line, "\tdriver=none\t"), "%s", line);
	kt_note("%s", line);
}

static const struct { unsigned int number, size; } calls[] = {
	{AI_GPU_IOC_INFO, sizeof(struct ai_gpu_info)}, {AI_GPU_IOC_DMA, sizeof(struct ai_gpu_dma)},
	{AI_GPU_IOC_LAUNCH, sizeof(struct ai_gpu_launch)}, {AI_GPU_IOC_WAIT, sizeof(struct ai_gpu_wait)},
	{AI_GPU_IOC_RESET, sizeof(struct ai_gpu_reset)}};

TEST(wrong_struct_sizes_and_pointers_are_refused)
{
	int fd = gpu_open(0);

	for (size_t n = 0; n < sizeof(calls) / sizeof(calls[0]); n++) {
		for (unsigned int size = 0; size < calls[n].size; size++) {
			unsigned int page[1024] = {size};

			FAILS(ioctl(fd, calls[n].number, page), EINVAL);
		}
		unsigned int page[1024] = {calls[n].size + 8};

		page[calls[n].size / 4] = 1;
		FAILS(ioctl(fd, calls[n].number, page), E2BIG);
		page[0] = 0xffffffff;
		CHECK(ioctl(fd, calls[n].number, page) == -1 && (errno == E2BIG || errno == EFAULT || errno == EINVAL));
		FAILS(ioctl(fd, calls[n].number, NULL), EFAULT);
		FAILS(ioctl(fd, calls[n].number, -1L), EFAULT);
		/* Flags are zero everywhere. */
		memset(page, 0, sizeof(page));
		page[0] = calls[n].size;
		page[1] = 0x10;
		FAILS(ioctl(fd, calls[n].number, page), EINVAL);
	}
	for (unsigned int number = 0; number < 256; number++) {
		unsigned int page[1024] = {64};

		if (number >= 0xa0 && number <= 0xa4)
			continue;
		FAILS(ioctl(fd, _IO('A', number), page), ENOTTY);
	}
	char byte = 0;

	CHECK(read(fd, &byte, 1) == -1 && write(fd, &byte, 1) == -1);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
}

TEST(an_answer_that_cannot_be_written_starts_nothing)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);
	struct ai_gpu_dma *dma = anonymous(BLOCK);

	*dma = (struct ai_gpu_dma){.size = sizeof(*dma), .dmabuf_fd = buffer.dmabuf, .direction = AI_GPU_TO_DEVICE, .length = 16};
	struct ai_gpu_info before = gpu_info(fd);

	OK(mprotect(dma, BLOCK, PROT_READ));
	FAILS(ioctl(fd, AI_GPU_IOC_DMA, dma), EFAULT);
	EVENTUALLY(gpu_info(fd).queued == 0);
	CHECK(gpu_info(fd).transfers_to == before.transfers_to);
}

static void only_reads(int fd, int dmabuf)
{
	struct ai_gpu_wait wait;
	uint64_t fence;

	gpu_info(fd);
	FAILS(gpu_try_dma(fd, dmabuf, AI_GPU_TO_DEVICE, 0, 0, 16, &fence), EPERM);
	FAILS(gpu_try_launch(fd, AI_GPU_FUNCTION_FACTORIAL, 3, &fence), EPERM);
	FAILS(gpu_reset(fd), EPERM);
	FAILS(gpu_try_wait(fd, 1, 0, &wait), EINVAL);
	struct pollfd one = {fd, POLLIN, 0};

	CHECK(poll(&one, 1, 0) == 0);
	CHECK(strlen(kt_read(GPU_PROC)) > 50);
}

TEST(without_the_capability_only_reading_works)
{
	int fd = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);

	OK(chmod("/dev/ai_gpu0", 0666));
	kt_drop_capabilities();
	only_reads(fd, buffer.dmabuf);
	only_reads(gpu_open(0), buffer.dmabuf);
}

TEST(without_require_admin_the_mode_of_the_node_decides)
{
	module_reload("ai_gpu", "require_admin=0");
	int before = gpu_open(0);
	struct gpu_buffer buffer = gpu_buffer(BLOCK, 0);

	OK(chmod("/dev/ai_gpu0", 0666));
	kt_become_nobody();
	int fd = gpu_open(0);

	CHECK(gpu_wait(fd, gpu_launch(fd, 10), NULL) == 0);
	CHECK(gpu_to(fd, buffer.dmabuf, 0, 0, 16) == 0);
	OK(gpu_reset(before));
}

TEST(an_open_file_keeps_the_module)
{
	int fd = gpu_open(0);

	CHECK(module_unload("ai_gpu") == -1 && errno == EWOULDBLOCK);
	close(fd);
	module_drop("ai_gpu");
	CHECK(access("/dev/ai_gpu0", F_OK) == -1 && access(GPU_PROC, F_OK) == -1);
}
