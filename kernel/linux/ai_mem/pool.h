/* SPDX-License-Identifier: GPL-2.0-only */
/* The pool: chunks of pages, held per NUMA node within one budget. */
#ifndef _AI_MEM_POOL_H
#define _AI_MEM_POOL_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/**
 * struct ai_mem_chunk - pages that came from the system together and can be given back one by one
 * @entry: in one of the three lists of its node
 * @first: first page; the others follow it
 * @nr: number of pages
 * @nid: NUMA node
 * @nr_free: pages that nobody holds
 * @nr_gone: pages that left the pool
 * @idle: it is in the node's list of idle chunks
 * @busy: bitmap of pages that cannot be taken, and after it one of those that are gone
 */
struct ai_mem_chunk {
	struct list_head entry;
	struct page *first;
	unsigned int nr;
	int nid;
	unsigned int nr_free;
	unsigned int nr_gone;
	bool idle;
	unsigned long busy[];
};

/**
 * struct ai_mem_node - chunks of one NUMA node, under the pool's lock
 * @idle: chunks of which nothing is taken
 * @partial: chunks of which something is taken and something free
 * @full: chunks of which everything is taken
 * @filled: pages in all of them
 * @nr_free: pages that can be taken
 * @nr_idle: pages in idle chunks
 */
struct ai_mem_node {
	struct list_head idle;
	struct list_head partial;
	struct list_head full;
	unsigned long filled;
	unsigned long nr_free;
	unsigned long nr_idle;
};

/**
 * struct ai_mem_pool - all of it
 * @budget: most pages that it may hold
 * @max_run: longest run of contiguous pages that can be asked for
 * @nid: node to fill, or NUMA_NO_NODE for the one near the caller
 * @idle_ms: time after which an unused pool is given back
 * @fill: held while the pool grows; taken before @lock
 * @lock: protects the nodes and @filled; nothing is allocated under it
 * @filled: pages in chunks
 * @nodes: by node number
 * @idle_work: gives an unused pool back
 */
struct ai_mem_pool {
	unsigned long budget;
	unsigned long max_run;
	int nid;
	unsigned int idle_ms;
	struct mutex fill; /* see above */
	struct mutex lock; /* see above */
	unsigned long filled;
	struct ai_mem_node *nodes;
	struct delayed_work idle_work;
};

extern struct ai_mem_pool ai_mem_pool;

/**
 * struct ai_mem_want - pages that an allocation asks for
 * @pages: where they go
 * @nr: how many
 * @got: how many are there
 * @nid: node, the first to look at
 * @strict: no other node will do
 * @run: they have to be contiguous
 */
struct ai_mem_want {
	struct page **pages;
	unsigned long nr;
	unsigned long got;
	int nid;
	bool strict;
	bool run;
};

/* chunk.c */
struct ai_mem_chunk *ai_mem_chunk_alloc(int nid, gfp_t gfp, unsigned int order, unsigned int keep);
void ai_mem_chunk_free(struct ai_mem_chunk *chunk);
unsigned int ai_mem_chunk_take(struct ai_mem_chunk *chunk, struct page **pages, unsigned int nr);
bool ai_mem_chunk_take_run(struct ai_mem_chunk *chunk, struct page **pages, unsigned int nr);
void ai_mem_chunk_give(struct ai_mem_chunk *chunk, struct page *page);
void ai_mem_chunk_lose(struct ai_mem_chunk *chunk, struct page *page);
unsigned int ai_mem_chunk_punch(struct ai_mem_chunk *chunk, unsigned int nr,
				struct list_head *pages);

/* pool.c */
int ai_mem_pool_init(void);
void ai_mem_pool_exit(void);
bool ai_mem_pool_take(struct ai_mem_want *want, bool nearest);
void ai_mem_pool_give(struct page **pages, unsigned long nr, bool untouched);
void ai_mem_pool_add(struct ai_mem_chunk *chunk);
unsigned long ai_mem_pool_drop_idle(struct ai_mem_node *node, unsigned long nr,
				    struct list_head *dead);
void ai_mem_pool_place(struct ai_mem_chunk *chunk, struct list_head *dead);
void ai_mem_pool_free_chunks(struct list_head *dead);
int ai_mem_nearest(int nid, nodemask_t *left);

/* fill.c */
int ai_mem_pool_get(struct ai_mem_want *want);

/* shrink.c */
int ai_mem_shrink_init(void);
void ai_mem_shrink_exit(void);
void ai_mem_pool_unused(void);

#endif
