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

/* Take up to `want` members at once: how many, or -EUCLEAN when the head or a link names no member. */
static inline long stack_pop(const struct stack *from, uint32_t *members, uint32_t want)
{
	__u64 head = __atomic_load_n(from->head, __ATOMIC_ACQUIRE);
	uint32_t top, found;

	do {
		top = (uint32_t)head;
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
