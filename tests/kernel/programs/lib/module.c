// SPDX-License-Identifier: Apache-2.0
/* Load and unload the modules under test. */
#include "module.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "kt.h"

int module_load(const char *name, const char *parameters)
{
	char path[64];

	snprintf(path, sizeof(path), "/m/%s.ko", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	int result = (int)syscall(SYS_finit_module, fd, parameters, 0);
	int error = errno;

	close(fd);
	errno = error;
	return result;
}

int module_unload(const char *name)
{
	int result = (int)syscall(SYS_delete_module, name, O_NONBLOCK);
	int error = errno;

	if (result == 0)
		close(open(MODULE_CHANGED, O_CREAT | O_WRONLY, 0600));
	errno = error;
	return result;
}

bool module_loaded(const char *name)
{
	char path[64];
	struct stat found;

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return stat(path, &found) == 0;
}

void module_drop(const char *name)
{
	/* The last close of a dying child may still be under way (delayed work). */
	for (int left = 1000; module_loaded(name); left--) {
		if (module_unload(name) == 0)
			return;
		CHECKF(errno == EWOULDBLOCK || errno == EBUSY, "unload %s", name);
		CHECKF(left > 0, "%s stays in use: refcnt %s", name,
		       kt_read(!strcmp(name, "ai_mem") ? "/sys/module/ai_mem/refcnt" :
							 "/sys/module/ai_gpu/refcnt"));
		usleep(10000);
	}
}

void module_reload(const char *name, const char *parameters)
{
	module_drop(name);
	CHECKF(module_load(name, parameters) == 0, "load %s %s", name, parameters);
}

void module_cycles(long cycles, void (*once)(long number))
{
	unsigned long long before = 0;

	for (long n = 0; n < cycles; n++) {
		once(n);
		if (n == cycles / 10)
			before = kt_figure("/proc/meminfo", "MemAvailable");
	}
	unsigned long long after = kt_figure("/proc/meminfo", "MemAvailable");

	kt_note("%ld cycles, MemAvailable %llu -> %llu KiB", cycles, before, after);
	CHECK(after + 8192 > before);
}
