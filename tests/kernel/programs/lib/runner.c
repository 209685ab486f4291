// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the cases of the programs named on the command line and reports each on the second serial port:
 * "ok <program>.<case>", "not ok <program>.<case>", "# <text>" lines belong to the line that follows them.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "kt.h"
#include "module.h"

extern const struct kt_test __start_kt_tests[], __stop_kt_tests[];
extern const struct kt_setup __start_kt_setups[], __stop_kt_setups[];

enum { PASSED, FAILED, SKIPPED = 77 };
static const char *const words[] = {"ok", "not ok"};

static int report_fd = 1;

static void say(const char *prefix, const char *format, va_list arguments)
{
	char line[600];
	int length = snprintf(line, sizeof(line), "%s", prefix);

	vsnprintf(line + length, sizeof(line) - (size_t)length - 2, format, arguments);
	for (char *at = line; *at; at++)
		if (*at == '\n')
			*at = '|';
	strcat(line, "\n");
	/* One write for a line: lines of two processes do not mix. */
	if (write(report_fd, line, strlen(line)) < 0)
		_exit(99);
}

static void report(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("", format, arguments);
	va_end(arguments);
}

void kt_note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("# ", format, arguments);
	va_end(arguments);
}

void kt_host(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("host ", format, arguments);
	va_end(arguments);
}

void kt_skip(const char *why)
{
	kt_note("%s", why);
	_exit(SKIPPED);
}

void kt_fail(const char *file, int line, int error, const char *what, const char *format, ...)
{
	char text[400];
	va_list arguments;
	const char *name = strrchr(file, '/');

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	kt_note("%s:%d: %s: %s (%s)", name ? name + 1 : file, line, what, text, strerror(error));
	_exit(1);
}

static void load_setups(const char *program)
{
	for (const struct kt_setup *at = __start_kt_setups; at < __stop_kt_setups; at++)
		if (!strcmp(at->program, program))
			CHECKF(module_load(at->module, at->parameters) == 0, "load %s %s",
			       at->module, at->parameters);
}

static void drop_modules(void)
{
	module_drop("ai_gpu");
	module_drop("ai_mem");
}

/* Where every task that cannot be woken waits, to the console: what is left of a deadlock. */
static void show_blocked(void)
{
	if (kt_write("/proc/sysrq-trigger", "w"))
		kt_note("the blocked tasks cannot be shown (%s)", strerror(errno));
}

/* End what a case started and did not end itself; this process is who inherits it. */
static bool orphans_end(int group)
{
	kill(-group, SIGKILL);
	kill(group, SIGKILL);
	for (int left = 3000; left; left--) {
		int pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return true;
		if (pid == 0)
			usleep(10000);
	}
	kt_note("a process cannot be killed");
	show_blocked();
	return false;
}

static int in_child(void (*function)(const void *), const void *argument, int seconds)
{
	int status = 0;
	struct timespec now, end;

	int pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		function(argument);
		_exit(0);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds * kt_option("slow", 1);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		usleep(2000);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec <= end.tv_sec)
			continue;
		kt_note("did not end within %ld s", seconds * kt_option("slow", 1));
		show_blocked();
		orphans_end(pid);
		return FAILED;
	}
	if (!orphans_end(pid))
		return FAILED;
	if (WIFSIGNALED(status))
		kt_note("ended by signal %d", WTERMSIG(status));
	if (WIFEXITED(status) && (WEXITSTATUS(status) == PASSED || WEXITSTATUS(status) == SKIPPED))
		return WEXITSTATUS(status);
	return FAILED;
}

static void call_test(const void *argument)
{
	((const struct kt_test *)argument)->run();
}

static void call_load(const void *argument)
{
	load_setups(argument);
}

static void call_drop(const void *argument)
{
	(void)argument;
	drop_modules();
}

/* Everything that the case took has come back once its processes are gone. */
static void call_settled(const void *argument)
{
	static const char *const figures[] = {"Allocated", "Orphaned", "Owners", "Exports"};

	(void)argument;
	if (access("/proc/ai_memory", F_OK))
		return;
	for (size_t n = 0; n < sizeof(figures) / sizeof(figures[0]); n++)
		EVENTUALLY(kt_figure("/proc/ai_memory", figures[n]) == 0);
}

/* Begin with the modules as the program's SETUP lines say. */
static int prepare(const char *program)
{
	int ready = in_child(call_drop, NULL, 60);

	unlink(MODULE_CHANGED);
	return ready == PASSED ? in_child(call_load, program, 60) : ready;
}

static void run_program(const char *program)
{
	int ready = prepare(program), state = PASSED;

	report("%s %s.loads", words[ready], program);
	for (const struct kt_test *at = __start_kt_tests; at < __stop_kt_tests; at++) {
		if (strcmp(at->program, program))
			continue;
		if (state == FAILED || access(MODULE_CHANGED, F_OK) == 0)
			ready = prepare(program);
		state = ready == PASSED ? in_child(call_test, at, at->seconds) : FAILED;

		if (ready == PASSED && in_child(call_settled, NULL, 60) != PASSED)
			state = FAILED;
		report("%s %s.%s", state == SKIPPED ? "skip" : words[state], program, at->name);
	}
	report("%s %s.unloads", words[in_child(call_drop, NULL, 60)], program);
}

int main(int argc, char **argv)
{
	int fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios raw;

	if (fd >= 0 && tcgetattr(fd, &raw) == 0) {
		cfmakeraw(&raw);
		tcsetattr(fd, TCSANOW, &raw);
		report_fd = fd;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (argc == 3 && !strcmp(argv[1], "--say")) {
		report("%s", argv[2]);
		tcdrain(report_fd);
		return 0;
	}
	for (int n = 1; n < argc; n++)
		run_program(argv[n]);
	tcdrain(report_fd);
	return 0;
}
