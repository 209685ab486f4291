// SPDX-License-Identifier: GPL-2.0-only
/*
 * The jobs of a device, one after another. Only the worker runs them; it holds the engine mutex
 * meanwhile. Whatever ends a job early (its time is up, RESET, the device leaves) wakes the
 * worker, which stops the engine before it gives back what the job used.
 */
#include <linux/dma-buf.h>
#include <linux/jiffies.h>
#include <linux/pm_runtime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "ai_gpu.h"

/**
 * ai_gpu_abort() - shall the job under way be broken off?
 * @gpu: the device
 *
 * Return: 0, -ENODEV when the device leaves, -ECANCELED when it will be reset.
 */
int ai_gpu_abort(struct ai_gpu *gpu)
{
	if (ai_gpu_gone(gpu))
		return -ENODEV;
	return READ_ONCE(gpu->resets_pending) ? -ECANCELED : 0;
}

/**
 * ai_gpu_job_free() - give back a job that is in no queue
 * @job: the job
 */
void ai_gpu_job_free(struct ai_gpu_job *job)
{
	if (job->buffer)
		dma_buf_put(job->buffer);
	kfree(job);
}

static bool room(struct ai_gpu *gpu)
{
	return ai_gpu_gone(gpu) || READ_ONCE(gpu->queued) < AI_GPU_QUEUE_LIMIT;
}

/**
 * ai_gpu_submit() - queue a job
 * @job: with @file and what to do
 * @nonblock: do not wait for room
 * @fence: gets the job's number: the job itself may have ended and be freed when this returns
 *
 * Return: 0 and the job belongs to the queue; -ENODEV, -EAGAIN or -ERESTARTSYS and it still is
 * the caller's.
 */
int ai_gpu_submit(struct ai_gpu_job *job, bool nonblock, u64 *fence)
{
	struct ai_gpu *gpu = job->file->gpu;
	int ret;

	spin_lock(&gpu->lock);
	while (gpu->queued >= AI_GPU_QUEUE_LIMIT && !ai_gpu_gone(gpu)) {
		spin_unlock(&gpu->lock);
		if (nonblock)
			return -EAGAIN;
		ret = wait_event_interruptible(gpu->changed, room(gpu));
		if (ret)
			return ret;
		spin_lock(&gpu->lock);
	}
	ret = -ENODEV;
	if (!ai_gpu_gone(gpu)) {
		job->fence = ++job->file->issued;
		*fence = job->fence;
		WRITE_ONCE(gpu->queued, gpu->queued + 1);
		list_add_tail(&job->link, &gpu->waiting);
		/* Under the lock: once the device is gone nothing is queued any more. */
		queue_work(gpu->queue, &gpu->work);
		ret = 0;
	}
	spin_unlock(&gpu->lock);
	return ret;
}

/* Counts what the device has done for a job that ended well. */
static void count(struct ai_gpu_counters *counters, const struct ai_gpu_job *job)
{
	if (!job->direction) {
		counters->launches++;
	} else if (job->direction == AI_GPU_TO_DEVICE) {
		counters->transfers_to++;
		counters->bytes_to += job->length;
	} else {
		counters->transfers_from++;
		counters->bytes_from += job->length;
	}
	counters->bounced_bytes += job->bounced_bytes;
}

static void finish(struct ai_gpu *gpu, struct ai_gpu_job *job, int status)
{
	/* Before anybody is told: who has waited may want its memory back. */
	if (job->buffer)
		dma_buf_put(job->buffer);
	spin_lock(&gpu->lock);
	if (!status)
		count(&gpu->counters, job);
	if (status == -ETIMEDOUT)
		gpu->counters.timeouts++;
	ai_gpu_result_add(job, status);
	WRITE_ONCE(gpu->queued, gpu->queued - 1);
	/* After this the file may be closed and freed. */
	wake_up_all(&gpu->changed);
	spin_unlock(&gpu->lock);
	kfree(job);
}

/**
 * ai_gpu_restart() - stop the device and let it work again
 * @gpu: the device; engine mutex held
 *
 * It is FAILED when it does not become quiet or does not answer.
 *
 * Return: 0 or -EIO.
 */
int ai_gpu_restart(struct ai_gpu *gpu)
{
	int ret;

	ret = ai_gpu_edu_stop(gpu);
	if (!ret)
		ret = ai_gpu_edu_start(gpu);
	spin_lock(&gpu->lock);
	/* For RESET the engine can have to be stopped twice; that is one reset. */
	if (!ret && !gpu->resets_pending)
		gpu->counters.resets++;
	if (!ai_gpu_gone(gpu))
		WRITE_ONCE(gpu->state, ret ? AI_GPU_STATE_FAILED : AI_GPU_STATE_ACTIVE);
	spin_unlock(&gpu->lock);
	return ret;
}

/**
 * ai_gpu_recover() - an operation of the device ended with an error: make its engine quiet
 * @gpu: the device; engine mutex held
 */
void ai_gpu_recover(struct ai_gpu *gpu)
{
	if (ai_gpu_gone(gpu))
		ai_gpu_edu_stop(gpu);
	else
		ai_gpu_restart(gpu);
}

/* Runs a job; the engine is quiet afterwards. */
static int run(struct ai_gpu *gpu, struct ai_gpu_job *job)
{
	struct device *dev = &gpu->pdev->dev;
	int ret;

	if (ai_gpu_gone(gpu))
		return -ENODEV;
	if (READ_ONCE(gpu->state) == AI_GPU_STATE_FAILED)
		return -EIO;
	ret = pm_runtime_resume_and_get(dev);
	if (ret < 0)
		return ret;
	if (job->buffer) {
		ret = ai_gpu_job_dma(gpu, job);
	} else {
		ret = ai_gpu_edu_compute(gpu, job->argument, &job->result,
					 jiffies + ai_gpu_timeout());
		if (ret)
			ai_gpu_recover(gpu);
	}
	pm_runtime_mark_last_busy(dev);
	pm_runtime_put_autosuspend(dev);
	if (ret == -ETIMEDOUT)
		dev_warn_ratelimited(dev, "a job did not end in time, the device was %s\n",
				     READ_ONCE(gpu->state) == AI_GPU_STATE_FAILED ?
					     "stopped and does not answer" :
					     "reset");
	return ret;
}

/*
 * The next job, out of the queue but still counted; NULL when there is none or a reset has to
 * come first.
 */
static struct ai_gpu_job *next_job(struct ai_gpu *gpu)
{
	struct ai_gpu_job *job = NULL;

	spin_lock(&gpu->lock);
	if (!gpu->resets_pending || ai_gpu_gone(gpu))
		job = list_first_entry_or_null(&gpu->waiting, struct ai_gpu_job, link);
	if (job)
		list_del_init(&job->link);
	spin_unlock(&gpu->lock);
	return job;
}

/**
 * ai_gpu_work() - run the next job
 * @work: of the device
 */
void ai_gpu_work(struct work_struct *work)
{
	struct ai_gpu *gpu = container_of(work, struct ai_gpu, work);
	struct ai_gpu_job *job;
	int status;

	mutex_lock(&gpu->engine);
	job = next_job(gpu);
	status = job ? run(gpu, job) : 0;
	mutex_unlock(&gpu->engine);
	if (!job)
		return;
	finish(gpu, job, status);
	/* One job a time, so that the workqueue can be frozen between two. */
	queue_work(gpu->queue, &gpu->work);
}

static bool has_jobs(struct ai_gpu_file *file)
{
	bool has;

	spin_lock(&file->gpu->lock);
	has = file->done != file->issued;
	spin_unlock(&file->gpu->lock);
	return has;
}

/**
 * ai_gpu_cancel() - take a closing file's jobs out of the queue and wait for the one that runs
 * @file: the file; nobody queues for it any more
 */
void ai_gpu_cancel(struct ai_gpu_file *file)
{
	struct ai_gpu *gpu = file->gpu;
	struct ai_gpu_job *job, *next;
	unsigned int cancelled = 0;
	LIST_HEAD(jobs);

	spin_lock(&gpu->lock);
	list_for_each_entry_safe(job, next, &gpu->waiting, link) {
		if (job->file != file)
			continue;
		list_move(&job->link, &jobs);
		cancelled++;
	}
	file->issued -= cancelled;
	WRITE_ONCE(gpu->queued, gpu->queued - cancelled);
	if (cancelled)
		wake_up_all(&gpu->changed);
	spin_unlock(&gpu->lock);
	list_for_each_entry_safe(job, next, &jobs, link)
		ai_gpu_job_free(job);
	wait_event(gpu->changed, !has_jobs(file));
}

/*
 * Writes back the configuration that the device had when it was bound: somebody may have
 * changed it.
 */
static void restore(struct ai_gpu *gpu)
{
	pci_load_saved_state(gpu->pdev, gpu->saved);
	pci_restore_state(gpu->pdev);
}

/**
 * ai_gpu_reset() - stop the device, fail what it was doing and start it anew
 * @gpu: the device
 *
 * Return: 0 when it answers and is quiet again, -ENODEV, -EINTR, -EIO when it does not answer,
 * -ETIMEDOUT when it answers but its computing unit is still at work.
 */
int ai_gpu_reset(struct ai_gpu *gpu)
{
	bool started = false;
	struct device *dev;
	int ret;

	spin_lock(&gpu->lock);
	WRITE_ONCE(gpu->resets_pending, gpu->resets_pending + 1);
	spin_unlock(&gpu->lock);
	wake_up_all(&gpu->event_wait);

	ret = mutex_lock_killable(&gpu->engine);
	if (ret)
		goto end;
	ret = -ENODEV;
	if (ai_gpu_gone(gpu))
		goto unlock;
	dev = &gpu->pdev->dev;
	ret = pm_runtime_resume_and_get(dev);
	if (ret < 0)
		goto unlock;
	ret = ai_gpu_restart(gpu);
	if (ret) {
		restore(gpu);
		ret = ai_gpu_restart(gpu);
	}
	started = !ret;
	if (started)
		ret = ai_gpu_edu_idle(gpu, jiffies + ai_gpu_timeout());
	pm_runtime_mark_last_busy(dev);
	pm_runtime_put_autosuspend(dev);
unlock:
	mutex_unlock(&gpu->engine);
end:
	spin_lock(&gpu->lock);
	WRITE_ONCE(gpu->resets_pending, gpu->resets_pending - 1);
	gpu->counters.resets += started;
	if (!ai_gpu_gone(gpu))
		queue_work(gpu->queue, &gpu->work);
	spin_unlock(&gpu->lock);
	return ret;
}
