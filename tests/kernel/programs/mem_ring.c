// SPDX-License-Identifier: Apache-2.0
/* The free ring: what the kernel writes into it, and that nothing written into it by a program reaches the kernel. */
#include "lib/mem.h"
#include "ring.h"

SETUP(ai_mem, "pool_mib=8");

static struct ai_mem_ring *ring_of(int fd, const struct ai_mem_alloc *made)
{
	return (struct ai_mem_ring *)mem_map(fd, made->ring_offset, made->ring_bytes);
}

/* Every block number that the three stacks hold, marked once each; the walk ends even on a broken ring. */
static size_t count_blocks(const struct ai_mem_ring *ring, unsigned char *seen)
{
	const struct ai_mem_ring_batch *batches = (const void *)((const char *)ring + ring->batches_offset);
	const unsigned int *links = (const void *)((const char *)ring + ring->links_offset);
	size_t total = 0, steps = 0;

	for (unsigned int at = (unsigned int)ring->full; at; at = batches[at - 1].next) {
		CHECK(at <= ring->batches && steps++ < ring->batches);
		CHECK(batches[at - 1].count <= AI_MEM_RING_BATCH_BLOCKS && batches[at - 1].count > 0);
		for (unsigned int n = 0; n < batches[at - 1].count; n++) {
			CHECK(batches[at - 1].blocks[n] < ring->blocks && !seen[batches[at - 1].blocks[n]]++);
			total++;
		}
	}
	for (unsigned int at = (unsigned int)ring->loose; at; at = links[at - 1]) {
		CHECK(at <= ring->blocks && !seen[at - 1]++);
		total++;
	}
	return total;
}

TEST(it_offers_every_block_once)
{
	static const size_t sizes[] = {1, 2, 29, 30, 31, 59, 60, 61, 1000, 2048};
	int fd = mem_open();

	for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
		struct ai_mem_alloc made = mem_alloc(fd, sizes[n] * BLOCK, AI_MEM_ALLOC_RING);
		struct ai_mem_ring *ring = ring_of(fd, &made);
		static unsigned char seen[2048];

		memset(seen, 0, sizeof(seen));
		CHECK(ring->magic == AI_MEM_RING_MAGIC && ring->version == AI_MEM_ABI_VERSION);
		CHECKF(ring->blocks == sizes[n], "%zu", sizes[n]);
		CHECK(ring->batches_offset >= sizeof(*ring) && ring->batches_offset % 64 == 0);
		CHECK(ring->batches_offset + (size_t)ring->batches * sizeof(struct ai_mem_ring_batch) <= made.ring_bytes);
		CHECK(ring->links_offset + ring->blocks * 4ULL <= made.ring_bytes && ring->links_offset % 4 == 0);
		CHECKF(count_blocks(ring, seen) == sizes[n], "%zu", sizes[n]);
		OK(munmap(ring, made.ring_bytes));
		OK(mem_free(fd, made.handle));
	}
}

/* What the fallback without the module makes, and what the library was tested with. */
TEST(it_is_the_librarys_ring_byte_for_byte)
{
	int fd = mem_open();

	for (size_t blocks = 1; blocks <= 2048; blocks += blocks < 100 ? 1 : 487) {
		struct ai_mem_alloc made = mem_alloc(fd, blocks * BLOCK, AI_MEM_ALLOC_RING);
		struct ai_mem_ring *ring = ring_of(fd, &made);
		void *own = aligned_alloc(BLOCK, made.ring_bytes);

		CHECKF(codex_ring_bytes((uint32_t)blocks) == made.ring_bytes, "%zu blocks", blocks);
		codex_ring_init(own, (uint32_t)blocks);
		CHECKF(!memcmp(own, ring, made.ring_bytes), "%zu blocks", blocks);
		free(own);
		OK(munmap(ring, made.ring_bytes));
		OK(mem_free(fd, made.handle));
	}
}

TEST(without_the_flag_there_is_none)
{
	int fd = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, BLOCK, 0);

	CHECK(made.ring_offset == 0 && made.ring_bytes == 0);
}

TEST(it_shows_nothing_of_the_kernels_memory)
{
	int fd = mem_open();

	for (int round = 0; round < 4; round++) {
		struct ai_mem_alloc made = mem_alloc(fd, 100 * BLOCK, AI_MEM_ALLOC_RING);
		struct ai_mem_ring *ring = ring_of(fd, &made);
		unsigned char *bytes = (unsigned char *)ring;
		size_t end = ring->links_offset + ring->blocks * 4UL, batches = ring->batches_offset +
			     (size_t)ring->batches * sizeof(struct ai_mem_ring_batch);

		if (batches > end)
			end = batches;
		CHECK(all_bytes(bytes + end, made.ring_bytes - end, 0));
		CHECK(all_bytes((void *)ring->reserved0, sizeof(ring->reserved0), 0));
		/* What one owner leaves there must not be there for the next. */
		memset(ring, 0xa5, made.ring_bytes);
		OK(munmap(ring, made.ring_bytes));
		OK(mem_free(fd, made.handle));
	}
}

TEST(a_corrupt_ring_harms_only_its_owner)
{
	int victim = mem_open(), fd = mem_open();
	struct ai_mem_alloc theirs, made;
	unsigned char *data = mem_take(victim, MIB, AI_MEM_ALLOC_RING, &theirs);
	struct ai_mem_ring *healthy = ring_of(victim, &theirs);
	static unsigned char seen[256];
	uint64_t state = (uint64_t)kt_option("seed", 1);

	memset(data, 0x12, MIB);
	for (int round = 0; round < 200; round++) {
		made = mem_alloc(fd, (kt_random(&state) % 200 + 1) * BLOCK, AI_MEM_ALLOC_RING);
		uint64_t *words = (uint64_t *)ring_of(fd, &made);

		for (size_t n = 0; n < made.ring_bytes / 8; n++)
			words[n] = round % 3 == 0 ? -1ULL : round % 3 == 1 ? kt_random(&state) : 0;
		mem_stat(fd);
		close(mem_export(fd, made.handle));
		if (round % 2)
			OK(munmap(words, made.ring_bytes));
		OK(mem_free(fd, made.handle));
		if (round % 2 == 0)
			OK(munmap(words, made.ring_bytes));
	}
	CHECK(all_bytes(data, MIB, 0x12));
	CHECK(count_blocks(healthy, seen) == 256);
	close(fd);
	EVENTUALLY(mem_allocated() == MIB);
}

TEST(a_ring_outlives_its_allocation_harmlessly)
{
	int fd = mem_open();
	struct ai_mem_alloc made = mem_alloc(fd, MIB, AI_MEM_ALLOC_RING);
	struct ai_mem_ring *ring = ring_of(fd, &made);

	OK(mem_free(fd, made.handle));
	memset(ring, 0xff, made.ring_bytes);
	struct ai_mem_alloc other = mem_alloc(fd, MIB, AI_MEM_ALLOC_RING);
	struct ai_mem_ring *fresh = ring_of(fd, &other);

	CHECK(fresh->magic == AI_MEM_RING_MAGIC);
	memset(ring, 0, made.ring_bytes);
	CHECK(fresh->magic == AI_MEM_RING_MAGIC && fresh->blocks == 256);
}
