// SPDX-License-Identifier: Apache-2.0
/* Failing allocations on demand (kernels with CONFIG_FAULT_INJECTION). */
#include "fault.h"

#include <fcntl.h>

#include "kt.h"

static const char *const attributes[] = {"/sys/kernel/debug/failslab", "/sys/kernel/debug/fail_page_alloc"};

static void set(const char *folder, const char *name, const char *value)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	OK(kt_write(path, value));
}

void fault_prepare(enum fault_depth depth)
{
	char frames[16];

	snprintf(frames, sizeof(frames), "%d", depth);
	for (int n = 0; n < 2; n++) {
		set(attributes[n], "ignore-gfp-wait", "N");
		set(attributes[n], "verbose", "0");
		set(attributes[n], "task-filter", "N");
		set(attributes[n], "space", "0");
		set(attributes[n], "times", "-1");
		set(attributes[n], "interval", "1");
		set(attributes[n], "probability", "0");
		/* The kernel's area for modules; nothing else is loaded. */
		set(attributes[n], "require-start", "0xffffffffa0000000");
		set(attributes[n], "require-end", "0xffffffffff000000");
		set(attributes[n], "stacktrace-depth", frames);
	}
	set(attributes[1], "ignore-gfp-highmem", "N");
	set(attributes[1], "min-order", "0");
}

static int nth_file(void)
{
	return (int)OK(open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC));
}

static int control = -1;

void fault_after(int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", n);

	/* Opened beforehand: opening allocates. */
	if (control < 0)
		control = nth_file();
	CHECK(pwrite(control, text, (size_t)length, 0) == length);
}

bool fault_end(void)
{
	char text[16] = "";

	/* 0 once the fault has happened. */
	CHECK(pread(control, text, sizeof(text) - 1, 0) > 0);
	CHECK(pwrite(control, "0", 1, 0) == 1);
	return atoi(text) == 0;
}

void fault_share(int percent)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", percent);
	for (int n = 0; n < 2; n++)
		set(attributes[n], "probability", text);
}
