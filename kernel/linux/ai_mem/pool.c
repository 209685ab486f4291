// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool's lists: which chunks each NUMA node has, taking pages from them and putting pages back.
 */
#include <linux/cleanup.h>
#include <linux/highmem.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "ai_mem.h"

struct ai_mem_pool ai_mem_pool = {
	.nid = NUMA_NO_NODE,
	.fill = __MUTEX_INITIALIZER(ai_mem_pool.fill),
	.lock = __MUTEX_INITIALIZER(ai_mem_pool.lock),
};

static struct ai_mem_chunk *chunk_of(struct page *page)
{
	return (struct ai_mem_chunk *)page_private(page);
}

static void detach(struct ai_mem_chunk *chunk, struct list_head *dead)
{
	struct ai_mem_node *node = &ai_mem_pool.nodes[chunk->nid];

	if (chunk->idle)
		node->nr_idle -= chunk->nr;
	node->nr_free -= chunk->nr_free;
	node->filled -= chunk->nr_free;
	ai_mem_pool.filled -= chunk->nr_free;
	list_move(&chunk->entry, dead);
}

/**
 * ai_mem_pool_place() - put a chunk into the list that it belongs to now
 * @chunk: some of its pages were taken, given or lost
 * @dead: where it goes instead when nothing is taken and something is gone: given back whole, it
 *	makes room for one without holes
 *
 * Context: under the pool's lock.
 */
void ai_mem_pool_place(struct ai_mem_chunk *chunk, struct list_head *dead)
{
	struct ai_mem_node *node = &ai_mem_pool.nodes[chunk->nid];
	bool unused = chunk->nr_free + chunk->nr_gone == chunk->nr;
	bool idle = unused && !chunk->nr_gone;

	if (unused && chunk->nr_gone) {
		detach(chunk, dead);
		return;
	}
	if (idle != chunk->idle) {
		chunk->idle = idle;
		node->nr_idle += idle ? chunk->nr : -(unsigned long)chunk->nr;
	}
	if (idle)
		list_move(&chunk->entry, &node->idle);
	else
		list_move(&chunk->entry, chunk->nr_free ? &node->partial : &node->full);
}

/**
 * ai_mem_pool_free_chunks() - give chunks back to the system
 * @dead: chunks that are in none of the pool's lists any more
 *
 * Context: without the pool's lock.
 */
void ai_mem_pool_free_chunks(struct list_head *dead)
{
	struct ai_mem_chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, dead, entry) {
		ai_mem_chunk_free(chunk);
		cond_resched();
	}
}

/**
 * ai_mem_pool_drop_idle() - take idle chunks out of the pool
 * @node: from here
 * @nr: until so many pages are out
 * @dead: where the chunks go, for ai_mem_pool_free_chunks()
 *
 * Context: under the pool's lock.
 * Return: how many pages are out.
 */
unsigned long ai_mem_pool_drop_idle(struct ai_mem_node *node, unsigned long nr,
				    struct list_head *dead)
{
	struct ai_mem_chunk *chunk, *next;
	unsigned long done = 0;

	list_for_each_entry_safe(chunk, next, &node->idle, entry) {
		if (done >= nr)
			break;
		done += chunk->nr;
		detach(chunk, dead);
	}
	return done;
}

/**
 * ai_mem_pool_add() - put a new chunk into the pool
 * @chunk: all of its pages are free
 */
void ai_mem_pool_add(struct ai_mem_chunk *chunk)
{
	struct ai_mem_node *node = &ai_mem_pool.nodes[chunk->nid];

	guard(mutex)(&ai_mem_pool.lock);
	ai_mem_pool.filled += chunk->nr;
	node->filled += chunk->nr;
	node->nr_free += chunk->nr;
	node->nr_idle += chunk->nr;
	chunk->idle = true;
	list_add(&chunk->entry, &node->idle);
}

static bool take_run(struct ai_mem_node *node, struct ai_mem_want *want)
{
	struct ai_mem_chunk *chunk;

	list_for_each_entry(chunk, &node->partial, entry)
		if (ai_mem_chunk_take_run(chunk, want->pages, want->nr))
			goto taken;
	list_for_each_entry(chunk, &node->idle, entry)
		if (ai_mem_chunk_take_run(chunk, want->pages, want->nr))
			goto taken;
	return false;
taken:
	want->got = want->nr;
	node->nr_free -= want->nr;
	ai_mem_pool_place(chunk, NULL);
	return true;
}

static void take_some(struct ai_mem_node *node, struct ai_mem_want *want)
{
	while (want->got < want->nr && node->nr_free) {
		unsigned long left = want->nr - want->got;
		struct ai_mem_chunk *chunk;
		unsigned int taken;

		/*
		 * Whole chunks for the long ones, so that few segments reach a device; scraps for
		 * the short ones.
		 */
		chunk = list_first_entry_or_null(&node->idle, struct ai_mem_chunk, entry);
		if (!chunk || (left < chunk->nr && !list_empty(&node->partial)))
			chunk = list_first_entry(&node->partial, struct ai_mem_chunk, entry);
		taken = ai_mem_chunk_take(chunk, want->pages + want->got,
					  min_t(unsigned long, left, UINT_MAX));
		want->got += taken;
		node->nr_free -= taken;
		ai_mem_pool_place(chunk, NULL);
	}
}

/**
 * ai_mem_nearest() - the nearest node that has memory
 * @nid: nearest to this one
 * @left: nodes not looked at yet; the one found is taken out
 *
 * Return: a node, NUMA_NO_NODE when none is left.
 */
int ai_mem_nearest(int nid, nodemask_t *left)
{
	int best = NUMA_NO_NODE;
	int node;

	for_each_node_mask(node, *left)
		if (best == NUMA_NO_NODE || node == nid ||
		    (best != nid && node_distance(nid, node) < node_distance(nid, best)))
			best = node;
	if (best != NUMA_NO_NODE)
		node_clear(best, *left);
	return best;
}

/**
 * ai_mem_pool_take() - take free pages
 * @want: what is wanted; gets what there is
 * @nearest: from its own node only
 *
 * Return: whether all of it is there now.
 */
bool ai_mem_pool_take(struct ai_mem_want *want, bool nearest)
{
	nodemask_t left = node_states[N_MEMORY];
	int nid = want->nid;

	guard(mutex)(&ai_mem_pool.lock);
	if (nearest || want->strict)
		left = nodemask_of_node(nid);
	while (want->got < want->nr) {
		nid = ai_mem_nearest(want->nid, &left);
		if (nid == NUMA_NO_NODE)
			break;
		if (want->run)
			take_run(&ai_mem_pool.nodes[nid], want);
		else
			take_some(&ai_mem_pool.nodes[nid], want);
	}
	return want->got == want->nr;
}

/*
 * Zeroes the pages that can be used again and moves the others to the front. A page that somebody
 * still refers to is pinned for direct I/O, registered with io_uring or with a driver, or in a
 * pipe. Its mappings are gone, so no new reference can come: a count of one stays one.
 */
static unsigned long sort_out(struct page **pages, unsigned long nr)
{
	unsigned long lost = 0;
	unsigned long i;

	for (i = 0; i < nr; i++) {
		if (page_count(pages[i]) == 1 && !PageHWPoison(pages[i])) {
			clear_highpage(pages[i]);
		} else {
			swap(pages[lost], pages[i]);
			lost++;
		}
		if (!(i % 512))
			cond_resched();
	}
	return lost;
}

/**
 * ai_mem_pool_give() - put pages back
 * @pages: pages that were taken. One that is pinned or broken is not given to anybody else: it
 *	leaves the pool, and whoever drops the last reference frees it. The array is the caller's to
 *	free, its order is changed.
 * @nr: how many
 * @untouched: nobody had them yet, so they are zero
 */
void ai_mem_pool_give(struct page **pages, unsigned long nr, bool untouched)
{
	unsigned long lost = untouched ? 0 : sort_out(pages, nr);
	LIST_HEAD(dead);
	unsigned long i;

	scoped_guard(mutex, &ai_mem_pool.lock) {
		for (i = 0; i < nr; i++) {
			struct ai_mem_chunk *chunk = chunk_of(pages[i]);
			struct ai_mem_node *node = &ai_mem_pool.nodes[chunk->nid];

			if (i < lost) {
				ai_mem_chunk_lose(chunk, pages[i]);
				node->filled--;
				ai_mem_pool.filled--;
			} else {
				ai_mem_chunk_give(chunk, pages[i]);
				node->nr_free++;
			}
			ai_mem_pool_place(chunk, &dead);
		}
	}
	for (i = 0; i < lost; i++)
		put_page(pages[i]);
	ai_mem_pool_free_chunks(&dead);
}

/**
 * ai_mem_pool_init() - make an empty pool
 *
 * Return: 0 or -ENOMEM.
 */
int ai_mem_pool_init(void)
{
	int nid;

	ai_mem_pool.nodes = kcalloc(nr_node_ids, sizeof(*ai_mem_pool.nodes), GFP_KERNEL);
	if (!ai_mem_pool.nodes)
		return -ENOMEM;
	for (nid = 0; nid < nr_node_ids; nid++) {
		INIT_LIST_HEAD(&ai_mem_pool.nodes[nid].idle);
		INIT_LIST_HEAD(&ai_mem_pool.nodes[nid].partial);
		INIT_LIST_HEAD(&ai_mem_pool.nodes[nid].full);
	}
	return 0;
}

/**
 * ai_mem_pool_exit() - give everything back to the system
 *
 * Nobody holds a page any more: the module has no users.
 */
void ai_mem_pool_exit(void)
{
	LIST_HEAD(dead);
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++)
		ai_mem_pool_drop_idle(&ai_mem_pool.nodes[nid], ULONG_MAX, &dead);
	ai_mem_pool_free_chunks(&dead);
	WARN_ON(ai_mem_pool.filled);
	kfree(ai_mem_pool.nodes);
}
