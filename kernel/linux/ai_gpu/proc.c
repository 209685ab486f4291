// SPDX-License-Identifier: GPL-2.0-only
/* /proc/ai_gpu: what each device did, then what can be seen of functions that others drive. */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include <codex/ai_gpu_proc.h>

#include "ai_gpu.h"

static void show_device(struct ai_gpu *gpu, struct seq_file *m, unsigned int place,
			unsigned int count)
{
	struct ai_gpu_counters counters;
	unsigned int queued;
	u32 state;

	spin_lock(&gpu->lock);
	counters = gpu->counters;
	queued = gpu->queued;
	state = gpu->state;
	spin_unlock(&gpu->lock);

	if (place)
		seq_puts(m, AI_GPU_PROC_GAP);
	if (count > 1)
		seq_printf(m, AI_GPU_PROC_GPU, gpu->number);
	seq_printf(m, AI_GPU_PROC_STATUS,
		   state == AI_GPU_STATE_ACTIVE ? AI_GPU_PROC_STATUS_ACTIVE :
						  AI_GPU_PROC_STATUS_NOT_INITIALIZED);
	seq_printf(m, AI_GPU_PROC_DEVICE, gpu->vendor, gpu->device);
	seq_printf(m, AI_GPU_PROC_DMA_BUFFER, (u64)atomic64_read(&gpu->mapped_bytes) >> 20);
	seq_puts(m, AI_GPU_PROC_STATISTICS);
	seq_printf(m, AI_GPU_PROC_TRANSFERS_TO, counters.transfers_to);
	seq_printf(m, AI_GPU_PROC_TRANSFERS_FROM, counters.transfers_from);
	seq_printf(m, AI_GPU_PROC_MIB_TO, counters.bytes_to >> 20);
	seq_printf(m, AI_GPU_PROC_MIB_FROM, counters.bytes_from >> 20);
	seq_printf(m, AI_GPU_PROC_LAUNCHES, counters.launches);
	seq_printf(m, AI_GPU_PROC_INTERRUPTS, (u64)atomic64_read(&gpu->interrupts));
	seq_printf(m, AI_GPU_PROC_BOUNCED_BYTES, counters.bounced_bytes);
	seq_printf(m, AI_GPU_PROC_TIMEOUTS, counters.timeouts);
	seq_printf(m, AI_GPU_PROC_RESETS, counters.resets);
	seq_printf(m, AI_GPU_PROC_QUEUED, queued);
	seq_printf(m, AI_GPU_PROC_BYTES_TO, counters.bytes_to);
	seq_printf(m, AI_GPU_PROC_BYTES_FROM, counters.bytes_from);
}

static int show(struct seq_file *m, void *unused)
{
	seq_puts(m, AI_GPU_PROC_TITLE);
	if (!ai_gpu_for_each(show_device, m))
		seq_printf(m, AI_GPU_PROC_STATUS, AI_GPU_PROC_STATUS_NOT_INITIALIZED);
	ai_gpu_observe(m);
	return 0;
}

/**
 * ai_gpu_proc_create() - make the file
 *
 * Return: 0 or -ENOMEM.
 */
int ai_gpu_proc_create(void)
{
	return proc_create_single(AI_GPU_PROC_NAME, 0444, NULL, show) ? 0 : -ENOMEM;
}

/**
 * ai_gpu_proc_remove() - take the file away; its readers have ended when this returns
 */
void ai_gpu_proc_remove(void)
{
	remove_proc_entry(AI_GPU_PROC_NAME, NULL);
}
