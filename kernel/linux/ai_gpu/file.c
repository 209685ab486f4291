// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/ai_gpuN. Every structure starts with its size: what a program's is longer than ours has
 * to be zero, and only what both have is written back, after all else has worked.
 */
#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ai_gpu.h"

#define WITHOUT_LIMIT U32_MAX /* timeout_ms of WAIT */

/* Sizes of version 1; what is added later is not in them. */
#define INFO_SIZE   (offsetofend(struct ai_gpu_info, queue_limit))
#define DMA_SIZE    (offsetofend(struct ai_gpu_dma, fence))
#define LAUNCH_SIZE (offsetofend(struct ai_gpu_launch, fence))
#define WAIT_SIZE   (offsetofend(struct ai_gpu_wait, bounced_bytes))
#define RESET_SIZE  (offsetofend(struct ai_gpu_reset, flags))

/* All start with size and flags; flags has no bit yet. */
struct head {
	u32 size;
	u32 flags;
};

static int get_args(void *args, size_t size, size_t least, const void __user *from)
{
	const struct head *head = args;
	u32 given;
	int ret;

	if (get_user(given, (const u32 __user *)from))
		return -EFAULT;
	if (given < least)
		return -EINVAL;
	if (given > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(args, size, from, given);
	if (ret)
		return ret;
	/* Another thread may have changed it between the two reads; ours counts. */
	((struct head *)args)->size = given;
	return head->flags ? -EINVAL : 0;
}

static int put_args(void __user *to, const void *args, size_t size)
{
	const struct head *head = args;

	return copy_to_user(to, args, min_t(size_t, size, head->size)) ? -EFAULT : 0;
}

static int ai_gpu_open(struct inode *inode, struct file *filp)
{
	struct ai_gpu *gpu = ai_gpu_find(iminor(inode));
	struct ai_gpu_file *file;
	int ret = -ENODEV;

	if (!gpu)
		return ret;
	if (ai_gpu_gone(gpu))
		goto put;
	ret = -ENOMEM;
	file = kvzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!file)
		goto put;
	file->gpu = gpu;
	filp->private_data = file;
	return stream_open(inode, filp);

put:
	ai_gpu_put(gpu);
	return ret;
}

static int ai_gpu_close(struct inode *inode, struct file *filp)
{
	struct ai_gpu_file *file = filp->private_data;
	struct ai_gpu *gpu = file->gpu;

	ai_gpu_cancel(file);
	kvfree(file);
	ai_gpu_put(gpu);
	return 0;
}

static int info(struct ai_gpu_file *file, void __user *user)
{
	struct ai_gpu *gpu = file->gpu;
	struct ai_gpu_info args;
	struct ai_gpu_counters counters;
	int ret;

	ret = get_args(&args, sizeof(args), INFO_SIZE, user);
	if (ret)
		return ret;
	spin_lock(&gpu->lock);
	counters = gpu->counters;
	args.state = gpu->state;
	args.queued = gpu->queued;
	spin_unlock(&gpu->lock);
	memcpy(args.address, gpu->address, sizeof(args.address));
	args.vendor = gpu->vendor;
	args.device = gpu->device;
	args.identification = gpu->identification;
	args.numa_node = gpu->numa_node;
	args.functions = 1U << (AI_GPU_FUNCTION_FACTORIAL - 1);
	args.memory_bytes = AI_GPU_MEMORY_BYTES;
	args.dma_mask = gpu->reach;
	args.mapped_bytes = atomic64_read(&gpu->mapped_bytes);
	args.transfers_to = counters.transfers_to;
	args.transfers_from = counters.transfers_from;
	args.bytes_to = counters.bytes_to;
	args.bytes_from = counters.bytes_from;
	args.launches = counters.launches;
	args.interrupts = atomic64_read(&gpu->interrupts);
	args.bounced_bytes = counters.bounced_bytes;
	args.timeouts = counters.timeouts;
	args.resets = counters.resets;
	args.queue_limit = AI_GPU_QUEUE_LIMIT;
	return put_args(user, &args, sizeof(args));
}

/* Queues a job and tells its fence; the job is not the caller's any more, whatever comes back. */
static int submit(struct file *filp, struct ai_gpu_job *job, u64 asked, u64 __user *fence)
{
	u64 number;
	int ret;

	job->file = filp->private_data;
	/* Where the fence will go has to be writable before there is a job to tell about. */
	ret = put_user(asked, fence);
	if (!ret)
		ret = ai_gpu_submit(job, filp->f_flags & O_NONBLOCK, &number);
	if (ret) {
		ai_gpu_job_free(job);
		return ret;
	}
	return put_user(number, fence);
}

static int take_buffer(struct ai_gpu_job *job, const struct ai_gpu_dma *args)
{
	fmode_t mode = args->direction == AI_GPU_TO_DEVICE ? FMODE_READ : FMODE_WRITE;
	struct dma_buf *buffer = dma_buf_get(args->dmabuf_fd);

	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	job->buffer = buffer;
	if (!(buffer->file->f_mode & mode))
		return -EACCES;
	if (args->offset > buffer->size || args->length > buffer->size - args->offset)
		return -EINVAL;
	return 0;
}

static int dma(struct file *filp, struct ai_gpu_dma __user *user)
{
	struct ai_gpu_dma args;
	struct ai_gpu_job *job;
	int ret;

	if (!ai_gpu_permitted())
		return -EPERM;
	ret = get_args(&args, sizeof(args), DMA_SIZE, user);
	if (ret)
		return ret;
	if (args.direction != AI_GPU_TO_DEVICE && args.direction != AI_GPU_FROM_DEVICE)
		return -EINVAL;
	if (!args.length || args.device_address >= AI_GPU_MEMORY_BYTES ||
	    args.length > AI_GPU_MEMORY_BYTES - args.device_address)
		return -EINVAL;
	job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	if (!job)
		return -ENOMEM;
	ret = take_buffer(job, &args);
	if (ret) {
		ai_gpu_job_free(job);
		return ret;
	}
	job->direction = args.direction;
	job->offset = args.offset;
	job->device_address = args.device_address;
	job->length = args.length;
	return submit(filp, job, args.fence, &user->fence);
}

static int launch(struct file *filp, struct ai_gpu_launch __user *user)
{
	struct ai_gpu_launch args;
	struct ai_gpu_job *job;
	int ret;

	if (!ai_gpu_permitted())
		return -EPERM;
	ret = get_args(&args, sizeof(args), LAUNCH_SIZE, user);
	if (ret)
		return ret;
	if (args.function != AI_GPU_FUNCTION_FACTORIAL || args.reserved || args.argument > U32_MAX)
		return -EINVAL;
	job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	if (!job)
		return -ENOMEM;
	job->argument = args.argument;
	return submit(filp, job, args.fence, &user->fence);
}

/* Sleeps until the job has ended. Who asked for a limit is not started again with a new one. */
static int wait_for(struct ai_gpu_file *file, u64 fence, u32 timeout_ms)
{
	struct ai_gpu *gpu = file->gpu;
	long ret;

	if (timeout_ms == WITHOUT_LIMIT)
		return wait_event_interruptible(gpu->changed, ai_gpu_result_ready(file, fence));
	ret = wait_event_interruptible_timeout(gpu->changed, ai_gpu_result_ready(file, fence),
					       msecs_to_jiffies(timeout_ms) + 1);
	if (ret < 0)
		return -EINTR;
	return ret ? 0 : -ETIME;
}

static int wait(struct ai_gpu_file *file, void __user *user)
{
	struct ai_gpu_result result;
	struct ai_gpu_wait args;
	int ret;

	ret = get_args(&args, sizeof(args), WAIT_SIZE, user);
	if (ret)
		return ret;
	ret = ai_gpu_result_take(file, args.fence, &result);
	if (ret == -ETIME && args.timeout_ms) {
		ret = wait_for(file, args.fence, args.timeout_ms);
		if (!ret)
			ret = ai_gpu_result_take(file, args.fence, &result);
	}
	if (ret)
		return ret;
	args.status = result.status;
	args.result = result.result;
	args.bounced_bytes = result.bounced_bytes;
	ret = put_args(user, &args, sizeof(args));
	if (ret)
		ai_gpu_result_uncollect(file, args.fence);
	return ret;
}

static int reset(struct ai_gpu_file *file, void __user *user)
{
	struct ai_gpu_reset args;
	int ret;

	if (!ai_gpu_permitted())
		return -EPERM;
	ret = get_args(&args, sizeof(args), RESET_SIZE, user);
	if (ret)
		return ret;
	return ai_gpu_reset(file->gpu);
}

static long ai_gpu_ioctl(struct file *filp, unsigned int command, unsigned long argument)
{
	struct ai_gpu_file *file = filp->private_data;
	void __user *user = (void __user *)argument;

	if (ai_gpu_gone(file->gpu))
		return -ENODEV;
	switch (command) {
	case AI_GPU_IOC_INFO:
		return info(file, user);
	case AI_GPU_IOC_DMA:
		return dma(filp, user);
	case AI_GPU_IOC_LAUNCH:
		return launch(filp, user);
	case AI_GPU_IOC_WAIT:
		return wait(file, user);
	case AI_GPU_IOC_RESET:
		return reset(file, user);
	default:
		return -ENOTTY;
	}
}

static __poll_t ai_gpu_poll(struct file *filp, poll_table *table)
{
	struct ai_gpu_file *file = filp->private_data;
	struct ai_gpu *gpu = file->gpu;
	__poll_t mask = 0;

	poll_wait(filp, &gpu->changed, table);
	spin_lock(&gpu->lock);
	if (gpu->state == AI_GPU_STATE_GONE)
		mask = EPOLLHUP | EPOLLERR;
	else if (file->uncollected)
		mask = EPOLLIN | EPOLLRDNORM;
	spin_unlock(&gpu->lock);
	return mask;
}

const struct file_operations ai_gpu_fops = {
	.owner = THIS_MODULE,
	.open = ai_gpu_open,
	.release = ai_gpu_close,
	.unlocked_ioctl = ai_gpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = ai_gpu_poll,
};
