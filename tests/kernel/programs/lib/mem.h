/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of /dev/ai_mem with as little typing as cases need. */
#ifndef MEM_H
#define MEM_H

#include <codex/ai_mem.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kt.h"

#define BLOCK ((size_t)AI_MEM_BLOCK_BYTES)
#define MIB (1024UL * 1024)
#define MEM_PROC "/proc/ai_memory"

static inline int mem_open(void)
{
	return (int)OK(open("/dev/ai_mem", O_RDWR | O_CLOEXEC));
}

static inline struct ai_mem_alloc mem_request(size_t bytes, unsigned int flags)
{
	return (struct ai_mem_alloc){
		.size = sizeof(struct ai_mem_alloc), .flags = flags, .bytes = bytes, .node = -1};
}

static inline int mem_try(int fd, struct ai_mem_alloc *request)
{
	return ioctl(fd, AI_MEM_IOC_ALLOC, request);
}

static inline struct ai_mem_alloc mem_alloc(int fd, size_t bytes, unsigned int flags)
{
	struct ai_mem_alloc request = mem_request(bytes, flags);

	OK(mem_try(fd, &request));
	return request;
}

static inline int mem_free(int fd, unsigned int handle)
{
	struct ai_mem_free request = {.size = sizeof(request), .handle = handle};

	return ioctl(fd, AI_MEM_IOC_FREE, &request);
}

static inline int mem_try_export(int fd, unsigned int handle, unsigned int flags)
{
	struct ai_mem_export request = {.size = sizeof(request), .flags = flags, .handle = handle, .fd = -1};

	return ioctl(fd, AI_MEM_IOC_EXPORT, &request) ? -1 : request.fd;
}

static inline int mem_export(int fd, unsigned int handle)
{
	return (int)OK(mem_try_export(fd, handle, 0));
}

static inline struct ai_mem_stat mem_stat(int fd)
{
	struct ai_mem_stat stat = {.size = sizeof(stat)};

	OK(ioctl(fd, AI_MEM_IOC_STAT, &stat));
	return stat;
}

static inline void *mem_try_map(int fd, unsigned long long offset, size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
}

static inline unsigned char *mem_map(int fd, unsigned long long offset, size_t bytes)
{
	return (unsigned char *)OK(mem_try_map(fd, offset, bytes));
}

/* Allocate and map at once. */
static inline unsigned char *mem_take(int fd, size_t bytes, unsigned int flags, struct ai_mem_alloc *made)
{
	*made = mem_alloc(fd, bytes, flags);
	return mem_map(fd, made->mmap_offset, made->bytes);
}

static inline void *anonymous(size_t bytes)
{
	return (void *)OK(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static inline bool all_bytes(const unsigned char *data, size_t bytes, unsigned char value)
{
	return bytes == 0 || (data[0] == value && !memcmp(data, data + 1, bytes - 1));
}

static inline unsigned long long mem_allocated(void)
{
	return kt_figure(MEM_PROC, "Allocated");
}

static inline unsigned long long mem_filled(void)
{
	return kt_figure(MEM_PROC, "Filled");
}

#endif
