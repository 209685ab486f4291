/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small test framework for programs in a guest. A file says which modules it needs (SETUP) and holds cases (TEST). Each
 * case runs in a child of its own, so that a crash, a hang or what it leaves open ends with it.
 */
#ifndef KT_H
#define KT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* PROGRAM is the file's name without ".c"; the compiler's command line defines it. */
#ifndef PROGRAM
#define PROGRAM "support"
#endif

struct kt_test {
	const char *program;
	const char *name;
	void (*run)(void);
	int seconds;		/* killed after that; generous, only a hang meets it */
};

struct kt_setup {
	const char *program;
	const char *module;
	const char *parameters;
};

#define KT_ENTRY(type, section_) \
	static const struct type __attribute__((used, section(section_), aligned(8)))

/* TEST(name) { body }: the name is found by a regular expression too, keep it on one line. */
#define TEST(name_) TEST_SECONDS(name_, 60)
#define TEST_SECONDS(name_, seconds_)                                                  \
	static void name_(void);                                                       \
	KT_ENTRY(kt_test, "kt_tests") kt_test_##name_ = {PROGRAM, #name_, name_, seconds_}; \
	static void name_(void)

/* SETUP(ai_mem, "pool_mib=8"): loaded before the file's first case, unloaded after its last. */
#define SETUP(module_, parameters_) \
	KT_ENTRY(kt_setup, "kt_setups") kt_setup_##module_ = {PROGRAM, #module_, parameters_}

/* A failed CHECK ends the case. */
#define CHECK(condition) KT_CHECK(condition, "")
#define CHECKF(condition, ...) KT_CHECK(condition, __VA_ARGS__)
#define KT_CHECK(condition, ...)                                                             \
	do {                                                                                 \
		int kt_errno_ = errno;                                                       \
		if (!(condition))                                                            \
			kt_fail(__FILE__, __LINE__, kt_errno_, #condition, "" __VA_ARGS__);  \
	} while (0)

/* The call has to fail with exactly that errno. */
#define FAILS(call, error)                                                                   \
	do {                                                                                 \
		errno = 0;                                                                   \
		long kt_result_ = (long)(call);                                              \
		int kt_errno_ = errno;                                                       \
		if (kt_result_ != -1 || kt_errno_ != (error))                                \
			kt_fail(__FILE__, __LINE__, kt_errno_, #call, "gave %ld, expected %s", \
				kt_result_, #error);                                         \
	} while (0)

/* The call has to succeed; gives its result. */
#define OK(call)                                                                             \
	({                                                                                   \
		long kt_result_ = (long)(call);                                              \
		int kt_errno_ = errno;                                                       \
		if (kt_result_ == -1)                                                        \
			kt_fail(__FILE__, __LINE__, kt_errno_, #call, "failed");             \
		kt_result_;                                                                  \
	})

/* Wait until the condition holds; a case that waits in vain fails with the condition's words. */
#define EVENTUALLY(condition)                                                                \
	do {                                                                                 \
		int kt_left_ = 3000;                                                         \
		while (!(condition) && kt_left_-- > 0)                                       \
			usleep(10000);                                                       \
		if (kt_left_ < 0)                                                            \
			kt_fail(__FILE__, __LINE__, 0, #condition, "did not become true");   \
	} while (0)

void kt_fail(const char *file, int line, int error, const char *what, const char *format, ...)
	__attribute__((noreturn, format(printf, 5, 6)));

/* End the case: what it needs is not there, and why that is no fault of the module. */
void kt_skip(const char *why) __attribute__((noreturn));

/* A line for the report ("# ..."). */
void kt_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the harness gave on the kernel's command line as codex.<name>=<number>. */
long kt_option(const char *name, long fallback);

/* Deterministic pseudo-random numbers (xorshift64*). */
uint64_t kt_random(uint64_t *state);

/* Whole text of a file, in a static buffer of 64 KiB; "" when it cannot be read. */
const char *kt_read(const char *path);

/* Write text to a file; -1 with errno when the kernel refuses it. */
int kt_write(const char *path, const char *text);

/* The number behind a label at the start of a line; fails the case when there is none. */
unsigned long long kt_figure(const char *path, const char *label);

/* Ask the harness to do something to the machine from outside; the line goes out at once. */
void kt_host(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fork a child that runs function(argument) and ends with 0 unless a CHECK in it fails. */
int kt_child(void (*function)(void *), void *argument);

/* Wait for a child of kt_child: the case fails when the child failed. */
void kt_join(int pid);

/* The signal (SIGBUS, SIGSEGV) that reading or writing that byte raises, 0 for none. */
int kt_signal_of_read(const volatile void *address);
int kt_signal_of_write(volatile void *address);

/* Give up all capabilities, or become an ordinary user. */
void kt_drop_capabilities(void);
void kt_become_nobody(void);

#endif
