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
 * One chunk of this node, the largest that fits into @room and that can be had without effort.
 * @order remembers what could be had, so that the next call need not try in vain.
 */
static bool grow_here(int nid, unsigned long room, unsigned int *order)
{
	for (*order = min_t(unsigned int, *order, ilog2(room));; --*order) {
		if (add_chunk(nid, __GFP_THISNODE | __GFP_NORETRY, *order, 1U << *order))
			return true;
		if (!*order)
			return false;
	}
}

/* The same of any node, the nearest first. */
static bool grow_anywhere(int nid, unsigned long room)
{
	unsigned int order;

	for (order = min_t(unsigned int, MAX_PAGE_ORDER, ilog2(room)) + 1; order-- > 0;)
		if (add_chunk(nid, __GFP_NORETRY, order, 1U << order))
			return true;
	return false;
}

/* How hard the system is to look for what an allocation waits for; nothing is killed for it. */
static gfp_t gfp_of(const struct ai_mem_want *want)
{
	return __GFP_RETRY_MAYFAIL | (want->strict ? __GFP_THISNODE : 0);
}

/* Lets other nodes' idle chunks go until @nr more pages fit into the budget. */
static unsigned long drop_others(int nid, unsigned long nr, struct list_head *dead)
{
	nodemask_t others = node_states[N_MEMORY];
	unsigned long done = 0;
	int other;

	node_clear(nid, others);
	for_each_node_mask(other, others)
		if (done < nr)
			done += ai_mem_pool_drop_idle(&ai_mem_pool.nodes[other], nr - done, dead);
	return done;
}

/* Lets single free pages of chunks go that are in use otherwise. */
static void punch(struct ai_mem_node *node, unsigned long nr, struct list_head *pages,
		  struct list_head *dead)
{
	struct ai_mem_chunk *chunk, *next;
	unsigned int done;

	list_for_each_entry_safe(chunk, next, &node->partial, entry) {
		if (!nr)
			break;
		done = ai_mem_chunk_punch(chunk, min_t(unsigned long, nr, chunk->nr), pages);
		nr -= done;
		node->nr_free -= done;
		node->filled -= done;
		ai_mem_pool.filled -= done;
		ai_mem_pool_place(chunk, dead);
	}
}

/* Moves room from other nodes to this one, as far as they have idle chunks. */
static void move_room(int nid, unsigned long nr)
{
	LIST_HEAD(dead);

	scoped_guard(mutex, &ai_mem_pool.lock)
		drop_others(nid, nr, &dead);
	ai_mem_pool_free_chunks(&dead);
}

/* Lets unused memory go, other nodes' first, until @nr more pages fit into the budget. */
static void make_room(int nid, unsigned long nr)
{
	unsigned long filled, goal;
	struct page *page, *next;
	LIST_HEAD(pages);
	LIST_HEAD(dead);
	int node;

	scoped_guard(mutex, &ai_mem_pool.lock) {
		filled = ai_mem_pool.filled;
		goal = filled - min(filled, nr);
		drop_others(nid, nr, &dead);
		if (ai_mem_pool.filled > goal)
			ai_mem_pool_drop_idle(&ai_mem_pool.nodes[nid], ai_mem_pool.filled - goal,
					      &dead);
		for_each_node_state(node, N_MEMORY)
			if (ai_mem_pool.filled > goal)
				punch(&ai_mem_pool.nodes[node], ai_mem_pool.filled - goal, &pages,
				      &dead);
	}
	ai_mem_pool_free_chunks(&dead);
	list_for_each_entry_safe(page, next, &pages, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/* Grows the pool near the caller, as far as that takes no effort. */
static void grow_near(struct ai_mem_want *want)
{
	unsigned int order = MAX_PAGE_ORDER;

	while (!ai_mem_pool_take(want, true) && !signal_pending(current)) {
		unsigned long need = want->nr - want->got;
		unsigned long room = pool_room();
		bool grown;

		if (room < need) {
			move_room(want->nid, need - room);
			room = pool_room();
		}
		if (!room || (want->run && room < need))
			break;
		if (want->run)
			grown = add_chunk(want->nid, __GFP_THISNODE | __GFP_NORETRY,
					  order_base_2(need), need);
		else
			grown = grow_here(want->nid, room, &order);
		if (!grown)
			break;
		cond_resched();
	}
}

/* Grows the pool until @want is there; what other nodes have free will do where it may. */
static int grow_for(struct ai_mem_want *want)
{
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
			grown = add_chunk(want->nid, gfp_of(want), order_base_2(need), need);
		else
			grown = (!want->strict && grow_anywhere(want->nid, room)) ||
				add_chunk(want->nid, gfp_of(want), 0, 1);
		if (!grown)
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

/* Fills what is left of the budget, but leaves the rest of the system a sixteenth of the memory. */
static void fill_whole(int nid)
{
	unsigned int order = MAX_PAGE_ORDER;
	unsigned long room;

	while ((room = pool_room()) && !signal_pending(current)) {
		if (si_mem_available() < (long)(totalram_pages() / 16 + (1UL << MAX_PAGE_ORDER)))
			break;
		if (!grow_here(nid, room, &order) && !grow_anywhere(nid, room))
			break;
		cond_resched();
	}
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
		grow_near(want);
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
