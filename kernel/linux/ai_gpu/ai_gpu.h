/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of ai_gpu share. A device (struct ai_gpu) lives from probe until it is removed
 * and the last open file is closed; its registers may be touched by who holds the engine mutex
 * (the worker, RESET, probe, remove) and by the interrupt handler.
 */
#ifndef _AI_GPU_H
#define _AI_GPU_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <codex/ai_gpu.h>

#define AI_GPU_QUEUE_LIMIT 256 /* jobs of one device that wait or run */
#define AI_GPU_RESULTS	   256 /* ended jobs that a file remembers */
#define AI_GPU_MINORS	   256

struct dma_buf;
struct seq_file;

/**
 * struct ai_gpu_counters - what the device did since it was bound
 * @transfers_to: DMA jobs to the device that it completed
 * @transfers_from: DMA jobs from the device that it completed
 * @bytes_to: bytes of @transfers_to
 * @bytes_from: bytes of @transfers_from
 * @launches: LAUNCH jobs that it completed
 * @bounced_bytes: of @bytes_to and @bytes_from, what the kernel copied
 * @timeouts: jobs that it did not complete in time
 * @resets: times that it was stopped and answered again
 */
struct ai_gpu_counters {
	u64 transfers_to;
	u64 transfers_from;
	u64 bytes_to;
	u64 bytes_from;
	u64 launches;
	u64 bounced_bytes;
	u64 timeouts;
	u64 resets;
};

/**
 * struct ai_gpu - a device that the module drives
 * @refs: one of the binding, one of each open file
 * @number: N of /dev/ai_gpuN
 * @pdev: the function; valid until remove() returns
 * @node: the device of /dev
 * @address: PCI address
 * @vendor: PCI vendor
 * @device: PCI device
 * @identification: the device's own register
 * @numa_node: NUMA node of @pdev
 * @regs: BAR 0
 * @irq: Linux interrupt number
 * @saved: configuration space as it was when the device was bound, bus mastering off
 * @reach: highest address that the device can name
 * @bounce: CPU's view of a page that the device always reaches; NULL behind an IOMMU
 * @bounce_dma: the device's view of @bounce
 * @engine: held by who drives the device
 * @awake: the registers can be read (not runtime suspended)
 * @events: bits of interrupts that came and that nobody waited for yet
 * @event_wait: who drives the device waits here
 * @interrupts: handled interrupts
 * @mapped_bytes: of dma-bufs that are mapped for the device now
 * @lock: protects all below, and the results of the device's files
 * @waiting: jobs in their order
 * @queued: jobs waiting or running
 * @resets_pending: callers of RESET; no job runs meanwhile
 * @state: AI_GPU_STATE_*
 * @counters: what the device did
 * @changed: woken when a job ended, room came up in the queue or the device left
 * @queue: runs @work, one job after another
 * @work: runs the first job of @waiting
 */
struct ai_gpu {
	struct kref refs;
	unsigned int number;
	struct pci_dev *pdev;
	struct device *node;
	char address[16];
	u32 vendor;
	u32 device;
	u32 identification;
	int numa_node;

	void __iomem *regs;
	int irq;
	struct pci_saved_state *saved;
	u64 reach;
	void *bounce;
	dma_addr_t bounce_dma;

	struct mutex engine; /* registers, mappings, bus mastering */
	bool awake;
	atomic_t events;
	wait_queue_head_t event_wait;
	atomic64_t interrupts;
	atomic64_t mapped_bytes;

	spinlock_t lock; /* queue, state, counters, results */
	struct list_head waiting;
	unsigned int queued;
	unsigned int resets_pending;
	u32 state;
	struct ai_gpu_counters counters;
	wait_queue_head_t changed;
	struct workqueue_struct *queue;
	struct work_struct work;
};

/**
 * struct ai_gpu_result - what a job left
 * @collected: WAIT has told it
 * @status: 0 or a negative errno
 * @result: of LAUNCH
 * @bounced_bytes: bytes that the kernel copied
 */
struct ai_gpu_result {
	bool collected;
	int status;
	u64 result;
	u64 bounced_bytes;
};

/**
 * struct ai_gpu_file - an open file of /dev/ai_gpuN; all but @gpu under the device's lock
 * @gpu: its device
 * @issued: fence of the last job that was queued
 * @done: fence of the last job that ended; jobs of a file end in their order
 * @uncollected: ended jobs, of those remembered, that WAIT has not told yet
 * @results: of fences @done - AI_GPU_RESULTS + 1 to @done, at fence modulo AI_GPU_RESULTS
 */
struct ai_gpu_file {
	struct ai_gpu *gpu;
	u64 issued;
	u64 done;
	unsigned int uncollected;
	struct ai_gpu_result results[AI_GPU_RESULTS];
};

/**
 * struct ai_gpu_job - one thing that a device shall do
 * @link: in the device's queue
 * @file: whose job it is; outlives the job
 * @fence: its number in @file
 * @buffer: dma-buf to transfer from or to; NULL for LAUNCH
 * @direction: AI_GPU_TO_DEVICE or AI_GPU_FROM_DEVICE; 0 for LAUNCH
 * @offset: in @buffer, bytes
 * @device_address: in device memory, bytes
 * @length: bytes
 * @argument: of LAUNCH
 * @result: of LAUNCH
 * @bounced_bytes: bytes that the kernel copied
 */
struct ai_gpu_job {
	struct list_head link;
	struct ai_gpu_file *file;
	u64 fence;
	struct dma_buf *buffer;
	u32 direction;
	u64 offset;
	u64 device_address;
	u64 length;
	u32 argument;
	u32 result;
	u64 bounced_bytes;
};

/* main.c */
extern struct pci_driver ai_gpu_driver;
extern const struct class ai_gpu_class;
extern int ai_gpu_major;
bool ai_gpu_permitted(void);
unsigned long ai_gpu_timeout(void);

/* device.c */
int ai_gpu_probe(struct pci_dev *pdev, const struct pci_device_id *id);
void ai_gpu_remove(struct pci_dev *pdev);
void ai_gpu_shutdown(struct pci_dev *pdev);
extern const struct pci_error_handlers ai_gpu_error_handlers;
extern const struct dev_pm_ops ai_gpu_pm;
struct ai_gpu *ai_gpu_find(unsigned int number);
void ai_gpu_put(struct ai_gpu *gpu);
unsigned int ai_gpu_for_each(void (*show)(struct ai_gpu *gpu, struct seq_file *m,
					  unsigned int place, unsigned int count),
			     struct seq_file *m);
bool ai_gpu_gone(struct ai_gpu *gpu);

/* edu.c */
#define AI_GPU_MEMORY_BYTES 4096 /* device memory that DMA reaches */
#define AI_GPU_SURE_BITS    28 /* address bits that every device of the kind has */
int ai_gpu_edu_identify(void __iomem *regs, u32 *identification);
irqreturn_t ai_gpu_edu_interrupt(int irq, void *data);
int ai_gpu_edu_start(struct ai_gpu *gpu);
int ai_gpu_edu_stop(struct ai_gpu *gpu);
int ai_gpu_edu_idle(struct ai_gpu *gpu, unsigned long deadline);
int ai_gpu_edu_copy(struct ai_gpu *gpu, u32 direction, dma_addr_t memory, u32 device_address,
		    u32 length, unsigned long deadline);
int ai_gpu_edu_compute(struct ai_gpu *gpu, u32 argument, u32 *result, unsigned long deadline);
resource_size_t ai_gpu_edu_bar_bytes(void);

/* reach.c */
bool ai_gpu_translated(struct ai_gpu *gpu);
int ai_gpu_reach_prepare(struct ai_gpu *gpu);
int ai_gpu_reach_measure(struct ai_gpu *gpu);
void ai_gpu_reach_end(struct ai_gpu *gpu);

/* queue.c */
int ai_gpu_submit(struct ai_gpu_job *job, bool nonblock, u64 *fence);
void ai_gpu_job_free(struct ai_gpu_job *job);
void ai_gpu_cancel(struct ai_gpu_file *file);
void ai_gpu_work(struct work_struct *work);
int ai_gpu_abort(struct ai_gpu *gpu);
int ai_gpu_restart(struct ai_gpu *gpu);
void ai_gpu_recover(struct ai_gpu *gpu);
int ai_gpu_reset(struct ai_gpu *gpu);

/* job_dma.c */
int ai_gpu_job_dma(struct ai_gpu *gpu, struct ai_gpu_job *job);

/* bounce.c */
int ai_gpu_bounce_in(struct ai_gpu *gpu, struct ai_gpu_job *job, u64 offset, u32 length);
int ai_gpu_bounce_out(struct ai_gpu *gpu, struct ai_gpu_job *job, u64 offset, u32 length);

/* results.c */
void ai_gpu_result_add(struct ai_gpu_job *job, int status);
bool ai_gpu_result_ready(struct ai_gpu_file *file, u64 fence);
int ai_gpu_result_take(struct ai_gpu_file *file, u64 fence, struct ai_gpu_result *result);
void ai_gpu_result_uncollect(struct ai_gpu_file *file, u64 fence);

/* file.c */
extern const struct file_operations ai_gpu_fops;

/* proc.c */
int ai_gpu_proc_create(void);
void ai_gpu_proc_remove(void);

/* observe.c */
void ai_gpu_observe(struct seq_file *m);

#endif
