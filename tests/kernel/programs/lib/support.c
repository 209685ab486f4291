// SPDX-License-Identifier: Apache-2.0
/* Files, numbers, children, capabilities: what cases need beside the calls that they test. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kt.h"

const char *kt_read(const char *path)
{
	static char text[65536];
	size_t length = 0;
	ssize_t part;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	text[0] = 0;
	if (fd < 0)
		return text;
	while ((part = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)part;
	text[length] = 0;
	close(fd);
	return text;
}

int kt_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t done = write(fd, text, strlen(text));
	int error = errno;

	close(fd);
	errno = error;
	return done == (ssize_t)strlen(text) ? 0 : -1;
}

long kt_option(const char *name, long fallback)
{
	char key[64];

	snprintf(key, sizeof(key), "codex.%s=", name);
	const char *found = strstr(kt_read("/proc/cmdline"), key);

	return found ? strtol(found + strlen(key), NULL, 0) : fallback;
}

unsigned long long kt_figure(const char *path, const char *label)
{
	const char *text = kt_read(path);
	size_t length = strlen(label);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, label, length) && line[length] == ':')
			return strtoull(line + length + 1, NULL, 10);
		if (!*line)
			break;
	}
	CHECKF(false, "no line \"%s:\" in %s", label, path);
	return 0;
}

uint64_t kt_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

int kt_child(void (*function)(void *), void *argument)
{
	int pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		function(argument);
		_exit(0);
	}
	return pid;
}

void kt_join(int pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECKF(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: status 0x%x", status);
}

static sigjmp_buf touched;

static void on_fault(int number)
{
	siglongjmp(touched, number);
}

static int signal_of(volatile unsigned char *address, bool write)
{
	struct sigaction handler = {.sa_handler = on_fault}, before[2];
	int number;

	sigaction(SIGBUS, &handler, &before[0]);
	sigaction(SIGSEGV, &handler, &before[1]);
	number = sigsetjmp(touched, 1);
	if (number == 0) {
		if (write)
			*address = 1;
		else
			(void)*address;
	}
	sigaction(SIGBUS, &before[0], NULL);
	sigaction(SIGSEGV, &before[1], NULL);
	return number;
}

int kt_signal_of_read(const volatile void *address)
{
	return signal_of((volatile unsigned char *)address, false);
}

int kt_signal_of_write(volatile void *address)
{
	return signal_of(address, true);
}

void kt_drop_capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};

	OK(syscall(SYS_capset, &header, none));
}

void kt_become_nobody(void)
{
	OK(setgroups(0, NULL));
	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
	/* Otherwise /proc/self belongs to root. */
	OK(prctl(PR_SET_DUMPABLE, 1));
}
