// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the pool grows: whole at the first allocation, later by what is asked for, and from one node
 * to another.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cleanup.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>

#include "ai_mem.h"

static unsigned long pool_room(void)
{
	guard(mutex)(&ai_mem_pool.lock);
	return ai_mem_pool.budget - ai_mem_pool.filled;
}

static bool add_chunk(int nid, gfp_t gfp, unsigned int order, unsigned int keep)
{
	struct ai_mem_chunk *chunk = ai_mem_chunk_alloc(nid, gfp, order, keep);

	if (!chunk)
		return false;
	ai_mem_pool_add(chunk);
	return true;
}

/*
 * One chunk, the largest that fits into @room and that can be had: first what the node has without
 * effort, then, unless it has to be this node, what any has. Only for what an allocation waits for
 * (@needed) is memory reclaimed, and nothing is killed for it.
 * @order remembers what could be had, so that the next call need not try in vain.
 */
static bool grow(int nid, bool strict, bool needed, unsigned long room, unsigned int *order)
{
	const gfp_t here = __GFP_THISNODE | __GFP_NORETRY;
	unsigned int top = min_t(unsigned int, MAX_PAGE_ORDER, ilog2(room));
	unsigned int i;

	for (*order = min(*order, top); ; --*order) {
		if (add_chunk(nid, here, *order, 1U << *order))
			return true;
		if (!*order)
			break;
	}
	if (!strict) {
		for (i = top + 1; i-- > 0;)
			if (add_chunk(nid, __GFP_NORETRY, i, 1U << i))
				return true;
	}
	if (!needed)
		return false;
	return add_chunk(nid, __GFP_RETRY_MAYFAIL | (strict ? __GFP_THISNODE : 0), 0, 1);
}

/*
 * Lets unused memory of the pool go, other nodes' first, until @nr more pages fit into the budget.
 */
static void make_room(int nid, unsigned long nr)
{
	nodemask_t left = node_states[N_MEMORY];
	struct ai_mem_chunk *chunk, *next;
	unsigned long done = 0;
	struct page *page, *tmp;
	struct ai_mem_node *node;
	LIST_HEAD(pages);
	LIST_HEAD(dead);
	int other;

	scoped_guard(mutex, &ai_mem_pool.lock) {
		node_clear(nid, left);
		for_each_node_mask(other, left)
			done += ai_mem_pool_drop_idle(&ai_mem_pool.nodes[other], nr - min(nr, done),
						      &dead);
		done += ai_mem_pool_drop_idle(&ai_mem_pool.nodes[nid], nr - min(nr, done), &dead);

		/* Chunks that are in use give single pages. */
		node_set(nid, left);
		for_each_node_mask(other, left) {
			node = &ai_mem_pool.nodes[other];
			list_for_each_entry_safe(chunk, next, &node->partial, entry) {
				unsigned int punched;

				if (done >= nr)
					break;
				punched = ai_mem_chunk_punch(chunk, nr - done, &pages);
				done += punched;
				node->nr_free -= punched;
				node->filled -= punched;
				ai_mem_pool.filled -= punched;
				ai_mem_pool_place(chunk, &dead);
			}
		}
	}
	ai_mem_pool_free_chunks(&dead);
	list_for_each_entry_safe(page, tmp, &pages, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/* Grows the pool until @want is there. */
static int grow_for(struct ai_mem_want *want)
{
	unsigned int order = MAX_PAGE_ORDER;

	while (!ai_mem_pool_take(want, false)) {
		unsigned long need = want->nr - want->got;
		unsigned long room = pool_room();
		bool grown;

		if (signal_pending(current))
			return -ERESTARTSYS;
		if (room < need) {
			make_room(want->nid, need - room);
			room = pool_room();
			if (!room || (want->run && room < need))
				return -ENOMEM;
		}
		if (want->run)
			grown = add_chunk(want->nid,
					  __GFP_RETRY_MAYFAIL | (want->strict ? __GFP_THISNODE : 0),
					  order_base_2(need), need);
		else
			grown = grow(want->nid, want->strict, true, room, &order);
		if (!grown)
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

/* Fills what is left of the budget as far as that takes nothing from anybody. */
static void fill_whole(int nid)
{
	unsigned int order = MAX_PAGE_ORDER;
	unsigned long room;

	while ((room = pool_room()) && !signal_pending(current) &&
	       grow(nid, false, false, room, &order))
		cond_resched();
}

/**
 * ai_mem_pool_get() - take pages for an allocation, fill the pool where that is needed
 * @want: what is wanted; its node is the caller's when it is NUMA_NO_NODE
 *
 * The caller has charged the pages, so that the budget has room for them.
 *
 * Return: 0, -ENOMEM, or -ERESTARTSYS for a signal; then nothing was taken.
 */
int ai_mem_pool_get(struct ai_mem_want *want)
{
	bool whole;
	int ret;

	if (want->nid == NUMA_NO_NODE)
		want->nid = ai_mem_pool.nid == NUMA_NO_NODE ? numa_mem_id() : ai_mem_pool.nid;
	if (ai_mem_pool_take(want, true))
		return 0;

	ret = mutex_lock_interruptible(&ai_mem_pool.fill);
	if (ret) {
		ret = -ERESTARTSYS;
	} else {
		whole = pool_room() == ai_mem_pool.budget;
		ret = grow_for(want);
		if (!ret && whole)
			fill_whole(ai_mem_pool.nid == NUMA_NO_NODE ? want->nid : ai_mem_pool.nid);
		mutex_unlock(&ai_mem_pool.fill);
	}
	if (ret) {
		ai_mem_pool_give(want->pages, want->got, true);
		if (ret == -ENOMEM)
			pr_info_ratelimited("%lu pages cannot be had on node %d\n",
					    want->nr - want->got, want->nid);
		want->got = 0;
	}
	return ret;
}
