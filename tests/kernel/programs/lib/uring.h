/* SPDX-License-Identifier: Apache-2.0 */
/* As much of io_uring as registering a buffer and reading a file into it needs, by the system calls themselves. */
#ifndef URING_H
#define URING_H

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "kt.h"

struct uring {
	int fd;
	unsigned int *tail, *mask, *array, *done_head, *done_tail, *done_mask;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *done;
};

static inline struct uring uring_open(void)
{
	struct io_uring_params p = {0};
	struct uring ring = {.fd = (int)OK(syscall(SYS_io_uring_setup, 4, &p))};
	char *at = (char *)OK(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING));
	char *done = (char *)OK(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING));

	ring.entries = (void *)OK(mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
				       MAP_SHARED, ring.fd, IORING_OFF_SQES));
	ring.tail = (void *)(at + p.sq_off.tail);
	ring.mask = (void *)(at + p.sq_off.ring_mask);
	ring.array = (void *)(at + p.sq_off.array);
	ring.done_head = (void *)(done + p.cq_off.head);
	ring.done_tail = (void *)(done + p.cq_off.tail);
	ring.done_mask = (void *)(done + p.cq_off.ring_mask);
	ring.done = (void *)(done + p.cq_off.cqes);
	return ring;
}

/* Pins the pages: -1 and errno when they cannot be. */
static inline int uring_register(struct uring *ring, void *data, size_t bytes)
{
	struct iovec vector = {data, bytes};

	return (int)syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, &vector, 1);
}

/* Read (or write) a file from (to) the registered buffer by its address; bytes, or -errno. */
static inline int uring_transfer(struct uring *ring, int fd, bool write, void *data, unsigned int bytes)
{
	unsigned int tail = *ring->tail, slot = tail & *ring->mask;

	ring->entries[slot] = (struct io_uring_sqe){
		.opcode = write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED,
		.fd = fd, .addr = (uintptr_t)data, .len = bytes, .buf_index = 0, .off = 0};
	ring->array[slot] = slot;
	__atomic_store_n(ring->tail, tail + 1, __ATOMIC_RELEASE);
	OK(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	CHECK(__atomic_load_n(ring->done_tail, __ATOMIC_ACQUIRE) != *ring->done_head);
	int result = ring->done[*ring->done_head & *ring->done_mask].res;

	__atomic_store_n(ring->done_head, *ring->done_head + 1, __ATOMIC_RELEASE);
	return result;
}

#endif
