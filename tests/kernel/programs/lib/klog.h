/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what the kernel logs from a moment on. */
#ifndef KLOG_H
#define KLOG_H

#include <fcntl.h>

#include "kt.h"

static inline int klog_open(void)
{
	int fd = (int)OK(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));

	OK(lseek(fd, 0, SEEK_END));
	return fd;
}

/* Lines since klog_open() (or the last count) whose text holds that word; fails the case when lines were lost. */
static inline int klog_count(int fd, const char *word)
{
	char line[2048];
	ssize_t length;
	int found = 0;

	while ((length = read(fd, line, sizeof(line) - 1)) > 0) {
		line[length] = 0;
		found += strstr(line, word) != NULL;
	}
	CHECKF(errno == EAGAIN, "the kernel's log was lost");
	return found;
}

#endif
