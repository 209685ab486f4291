// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the last jobs of an open file left. Its jobs end in the order of their fences, so a ring
 * is enough.
 */
#include "ai_gpu.h"

static struct ai_gpu_result *result_of(struct ai_gpu_file *file, u64 fence)
{
	return &file->results[fence % AI_GPU_RESULTS];
}

static bool result_forgotten(const struct ai_gpu_file *file, u64 fence)
{
	return file->done - fence >= AI_GPU_RESULTS;
}

/**
 * ai_gpu_result_add() - a job has ended
 * @job: the next one of its file; device's lock held
 * @status: 0 or a negative errno
 */
void ai_gpu_result_add(struct ai_gpu_job *job, int status)
{
	struct ai_gpu_file *file = job->file;
	struct ai_gpu_result *result = result_of(file, job->fence);

	if (job->fence > AI_GPU_RESULTS && !result->collected)
		file->uncollected--;
	result->collected = false;
	result->status = status;
	result->result = status ? 0 : job->result;
	result->bounced_bytes = job->bounced_bytes;
	file->done = job->fence;
	file->uncollected++;
}

/**
 * ai_gpu_result_ready() - has a job ended?
 * @file: whose it is
 * @fence: its number
 *
 * Return: true when it has.
 */
bool ai_gpu_result_ready(struct ai_gpu_file *file, u64 fence)
{
	bool ready;

	spin_lock(&file->gpu->lock);
	ready = fence <= file->done;
	spin_unlock(&file->gpu->lock);
	return ready;
}

/**
 * ai_gpu_result_take() - tell what a job left
 * @file: whose it is
 * @fence: its number
 * @result: what it left
 *
 * Return: 0, -EINVAL when the file never had such a job, -ENOENT when it was too long ago,
 * -ETIME when it has not ended.
 */
int ai_gpu_result_take(struct ai_gpu_file *file, u64 fence, struct ai_gpu_result *result)
{
	int ret = 0;

	spin_lock(&file->gpu->lock);
	if (!fence || fence > file->issued) {
		ret = -EINVAL;
	} else if (fence > file->done) {
		ret = -ETIME;
	} else if (result_forgotten(file, fence)) {
		ret = -ENOENT;
	} else {
		*result = *result_of(file, fence);
		if (!result->collected)
			file->uncollected--;
		result_of(file, fence)->collected = true;
	}
	spin_unlock(&file->gpu->lock);
	return ret;
}

/**
 * ai_gpu_result_uncollect() - the result that was taken could not be told
 * @file: whose it is
 * @fence: its number
 */
void ai_gpu_result_uncollect(struct ai_gpu_file *file, u64 fence)
{
	spin_lock(&file->gpu->lock);
	if (!result_forgotten(file, fence) && result_of(file, fence)->collected) {
		result_of(file, fence)->collected = false;
		file->uncollected++;
	}
	spin_unlock(&file->gpu->lock);
}
