/* SPDX-License-Identifier: Apache-2.0 */
/* Choices of a fuzzer, all from one seed that the harness prints, and the files that it holds open. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Begin with the seed of the run, mixed with a name and the case's order; note the kernel's log. */
void fuzz_start(const char *name);

/* A stream of its own for a child. */
void fuzz_reseed(unsigned int child);

/* Operations of one fuzzer. */
long fuzz_count(void);

/* 0 <= number < limit; 0 for limit 0. */
uint64_t fuzz_below(uint64_t limit);

/* A number near 0, near a power of two, near the end, or anything. */
uint64_t fuzz_word(void);

/*
 * Spoil a request of known bytes, followed by a zero tail up to capacity, one time in four: another size, a changed word, a
 * tail that is not zero. The first word is its size.
 */
void fuzz_spoil(void *request, size_t known, size_t capacity);

/* That many bytes that end where a page begins that cannot be touched. */
unsigned char *fuzz_page_end(size_t bytes);

/* Fill what fuzz_page_end() gave with a mix of small and wild words. */
void fuzz_fill(unsigned char *at);

/* Keep a file open for a while (-1 is ignored); an old one is closed for it. Another fuzzer's kept one, or -1. */
void fuzz_keep(int fd);
int fuzz_kept(void);
void fuzz_close_all(void);

/* The module may not have flooded the log. */
void fuzz_end(void);

#endif
