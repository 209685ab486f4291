// SPDX-License-Identifier: GPL-2.0-only
/* How the pool becomes smaller: some time after its last use, and when the system needs memory. */
#include <linux/cleanup.h>
#include <linux/jiffies.h>
#include <linux/shrinker.h>

#include "ai_features.h"
#include "ai_mem.h"

#ifndef AI_HAVE_SYSTEM_DFL_WQ
#define system_dfl_wq system_unbound_wq
#endif

static struct shrinker *ai_mem_shrinker;

static unsigned long count_idle(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long nr = READ_ONCE(ai_mem_pool.nodes[sc->nid].nr_idle);

	return nr ?: SHRINK_EMPTY;
}

/*
 * Reclaim may run inside of a fill of ours, so it never waits, and while the pool grows it takes
 * nothing.
 */
static unsigned long scan_idle(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long freed = SHRINK_STOP;
	LIST_HEAD(dead);

	if (!mutex_trylock(&ai_mem_pool.fill))
		return SHRINK_STOP;
	if (mutex_trylock(&ai_mem_pool.lock)) {
		freed = ai_mem_pool_drop_idle(&ai_mem_pool.nodes[sc->nid], sc->nr_to_scan, &dead);
		mutex_unlock(&ai_mem_pool.lock);
	}
	mutex_unlock(&ai_mem_pool.fill);
	ai_mem_pool_free_chunks(&dead);
	return freed ?: SHRINK_STOP;
}

static void idle_work(struct work_struct *work)
{
	LIST_HEAD(dead);
	int nid;

	guard(mutex)(&ai_mem_pool.fill);
	if (ai_mem_in_use())
		return;
	scoped_guard(mutex, &ai_mem_pool.lock)
		for (nid = 0; nid < nr_node_ids; nid++)
			ai_mem_pool_drop_idle(&ai_mem_pool.nodes[nid], ULONG_MAX, &dead);
	ai_mem_pool_free_chunks(&dead);
}

/**
 * ai_mem_pool_unused() - the last allocation ended: give everything back after idle_ms
 */
void ai_mem_pool_unused(void)
{
	mod_delayed_work(system_dfl_wq, &ai_mem_pool.idle_work,
			 msecs_to_jiffies(ai_mem_pool.idle_ms));
}

/**
 * ai_mem_shrink_init() - start to give memory back
 *
 * Return: 0 or -ENOMEM.
 */
int ai_mem_shrink_init(void)
{
	INIT_DELAYED_WORK(&ai_mem_pool.idle_work, idle_work);
	ai_mem_shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "ai_mem");
	if (!ai_mem_shrinker)
		return -ENOMEM;
	ai_mem_shrinker->count_objects = count_idle;
	ai_mem_shrinker->scan_objects = scan_idle;
	shrinker_register(ai_mem_shrinker);
	return 0;
}

/**
 * ai_mem_shrink_exit() - stop it; waits for what is under way
 */
void ai_mem_shrink_exit(void)
{
	shrinker_free(ai_mem_shrinker);
	cancel_delayed_work_sync(&ai_mem_pool.idle_work);
}
