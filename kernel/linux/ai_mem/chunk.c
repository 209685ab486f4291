// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks: pages that came from the system in one piece, split so that each can be mapped, pinned
 * and given back alone.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "pool.h"

static unsigned long *gone_bits(struct ai_mem_chunk *chunk)
{
	return chunk->busy + BITS_TO_LONGS(chunk->nr);
}

static unsigned int chunk_index(const struct ai_mem_chunk *chunk, struct page *page)
{
	return page_to_pfn(page) - page_to_pfn(chunk->first);
}

/**
 * ai_mem_chunk_alloc() - get a chunk from the system
 * @nid: NUMA node to start with
 * @gfp: how hard to try, and whether other nodes will do
 * @order: size of the piece
 * @keep: how many of its pages to keep; the rest goes back at once
 *
 * Return: the chunk, all of its pages zero and free, or NULL.
 */
struct ai_mem_chunk *ai_mem_chunk_alloc(int nid, gfp_t gfp, unsigned int order, unsigned int keep)
{
	unsigned int nr = 1U << order;
	struct ai_mem_chunk *chunk;
	unsigned int i;

	chunk = kzalloc(struct_size(chunk, busy, 2 * BITS_TO_LONGS(keep)),
			GFP_KERNEL | __GFP_NOWARN);
	if (!chunk)
		return NULL;
	chunk->first = alloc_pages_node(nid, gfp | GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN, order);
	if (!chunk->first) {
		kfree(chunk);
		return NULL;
	}
	if (order)
		split_page(chunk->first, order);
	for (i = keep; i < nr; i++)
		__free_page(chunk->first + i);
	INIT_LIST_HEAD(&chunk->entry);
	chunk->nr = keep;
	chunk->nr_free = keep;
	chunk->nid = page_to_nid(chunk->first);
	for (i = 0; i < keep; i++)
		set_page_private(chunk->first + i, (unsigned long)chunk);
	return chunk;
}

/**
 * ai_mem_chunk_free() - give a chunk back to the system
 * @chunk: none of its pages is taken and it is in no list
 */
void ai_mem_chunk_free(struct ai_mem_chunk *chunk)
{
	unsigned int i;

	for (i = 0; i < chunk->nr; i++) {
		struct page *page = chunk->first + i;

		if (test_bit(i, gone_bits(chunk)))
			continue;
		set_page_private(page, 0);
		__free_page(page);
	}
	kfree(chunk);
}

/**
 * ai_mem_chunk_take() - take free pages
 * @chunk: from here
 * @pages: where to write them
 * @nr: at most so many
 *
 * Return: how many were taken.
 */
unsigned int ai_mem_chunk_take(struct ai_mem_chunk *chunk, struct page **pages, unsigned int nr)
{
	unsigned int taken = 0;
	unsigned int i;

	for_each_clear_bit(i, chunk->busy, chunk->nr) {
		if (taken == nr)
			break;
		__set_bit(i, chunk->busy);
		pages[taken++] = chunk->first + i;
	}
	chunk->nr_free -= taken;
	return taken;
}

/**
 * ai_mem_chunk_take_run() - take contiguous free pages
 * @chunk: from here
 * @pages: where to write them
 * @nr: exactly so many
 *
 * Return: whether there was such a run.
 */
bool ai_mem_chunk_take_run(struct ai_mem_chunk *chunk, struct page **pages, unsigned int nr)
{
	unsigned long start;
	unsigned int i;

	if (chunk->nr_free < nr)
		return false;
	start = bitmap_find_next_zero_area(chunk->busy, chunk->nr, 0, nr, 0);
	if (start >= chunk->nr)
		return false;
	bitmap_set(chunk->busy, start, nr);
	chunk->nr_free -= nr;
	for (i = 0; i < nr; i++)
		pages[i] = chunk->first + start + i;
	return true;
}

/**
 * ai_mem_chunk_give() - put a page back that was taken
 * @chunk: of the page
 * @page: zero, and held by nobody
 */
void ai_mem_chunk_give(struct ai_mem_chunk *chunk, struct page *page)
{
	__clear_bit(chunk_index(chunk, page), chunk->busy);
	chunk->nr_free++;
}

/**
 * ai_mem_chunk_lose() - let a page leave that was taken
 * @chunk: of the page
 * @page: not the pool's any more; the caller drops its reference
 */
void ai_mem_chunk_lose(struct ai_mem_chunk *chunk, struct page *page)
{
	__set_bit(chunk_index(chunk, page), gone_bits(chunk));
	chunk->nr_gone++;
	set_page_private(page, 0);
}

/**
 * ai_mem_chunk_punch() - let free pages leave
 * @chunk: from here
 * @nr: at most so many
 * @pages: list that they are put on, for the caller to free
 *
 * Return: how many left.
 */
unsigned int ai_mem_chunk_punch(struct ai_mem_chunk *chunk, unsigned int nr,
				struct list_head *pages)
{
	struct page *page;
	unsigned int done;

	for (done = 0; done < nr && ai_mem_chunk_take(chunk, &page, 1); done++) {
		ai_mem_chunk_lose(chunk, page);
		list_add(&page->lru, pages);
	}
	return done;
}
