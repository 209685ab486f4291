/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lock-free stacks in shared memory whose members are named by an index and linked by 1 + index (0: none).
 *
 * The head's upper half is a tag that every change raises: a head that was read, changed and changed back in between is
 * seen as changed, unless exactly 2^32 changes happened while one thread stood still. All changes are compare-and-swap,
 * so each acquire of a head sees what every earlier release of it published.
 */
#ifndef CODEX_RING_STACK_H
#define CODEX_RING_STACK_H

#include <errno.h>
#include <stdint.h>

#include "layout.h"

#define LINE_BYTES 64u

struct stack {
	__u64 *head;
	char *link;	 /* link word of member 0 */
	uint32_t stride; /* bytes from one member's link word to the next one's */
	uint32_t members;
};

static inline struct stack stack_full(const struct layout *at)
{
	return (struct stack){ &at->ring->full, (char *)&at->batches->next, sizeof(*at->batches),
			       at->batch_count };
}

static inline struct stack stack_empty(const struct layout *at)
{
	return (struct stack){ &at->ring->empty, (char *)&at->batches->next, sizeof(*at->batches),
			       at->batch_count };
}

static inline struct stack stack_loose(const struct layout *at)
{
	return (struct stack){ &at->ring->loose, (char *)at->links, sizeof(*at->links),
			       at->block_count };
}

static inline uint32_t *stack_link(const struct stack *of, uint32_t member)
{
	return (uint32_t *)(void *)(of->link + (uint64_t)member * of->stride);
}

static inline uint64_t stack_changed(uint64_t head, uint32_t top)
{
	return ((head >> 32) + 1) << 32 | top;
}

/* Ask for the cache line to write to it: one transfer from another processor instead of two. */
static inline void line_prefetch(const void *line)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

/*
 * Members that were pushed at once mostly lie side by side, because the first content of a ring does. Asking for them all
 * before the walk along their links makes its waits one; when the guess is wrong, they are only as long as before.
 */
static inline void stack_prefetch(const struct stack *of, uint32_t top, uint32_t want)
{
	uint32_t left;

	if (top == 0 || top > of->members || of->stride < LINE_BYTES)
		return;
	left = of->members - top + 1;
	for (uint32_t i = 0; i < want && i < left; i++)
		for (uint32_t line = 0; line < of->stride; line += LINE_BYTES)
			line_prefetch((const char *)stack_link(of, top - 1 + i) + line);
}

/* Take up to `want` members at once: how many, or -EUCLEAN when the head or a link names no member. */
static inline long stack_pop(const struct stack *from, uint32_t *members, uint32_t want)
{
	__u64 head = __atomic_load_n(from->head, __ATOMIC_ACQUIRE);
	uint32_t top, found;

	do {
		top = (uint32_t)head;
		stack_prefetch(from, top, want);
		for (found = 0; found < want && top != 0; found++) {
			if (top > from->members)
				return -EUCLEAN;
			members[found] = top - 1;
			/* Stale when another thread was faster: then the exchange below fails. */
			top = SHARED_READ(*stack_link(from, top - 1));
		}
		if (top > from->members)
			return -EUCLEAN;
		if (found == 0)
			return 0;
	} while (!__atomic_compare_exchange_n(from->head, &head, stack_changed(head, top), 0,
					      __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	/* Links only, and to read: the next exchange may be another processor's. */
	for (uint32_t i = 0; i < want && top != 0 && i <= from->members - top; i++)
		__builtin_prefetch(stack_link(from, top - 1 + i));
	return found;
}

/* Put `count` >= 1 members, each below of->members and held by nobody else, on the stack at once: members[0] on top. */
static inline void stack_push(const struct stack *to, const uint32_t *members, uint32_t count)
{
	uint32_t *last = stack_link(to, members[count - 1]);
	__u64 head = __atomic_load_n(to->head, __ATOMIC_RELAXED);

	for (uint32_t at = 0; at + 1 < count; at++)
		SHARED_WRITE(*stack_link(to, members[at]), members[at + 1] + 1);
	do {
		/* What stands in a corrupt head is not checked here: whoever pops it finds it out. */
		SHARED_WRITE(*last, (uint32_t)head);
	} while (!__atomic_compare_exchange_n(to->head, &head,
					      stack_changed(head, members[0] + 1), 0,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

#endif
