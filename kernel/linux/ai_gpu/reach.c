// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which addresses a device can name. An edu device has 28 address bits unless it was made with
 * more, cuts off what it does not have without a word, and no register tells. So it is
 * measured: the device copies a few random bytes from a high page into its memory and from
 * there to a page that it certainly reaches. Nothing is written to the high page, and where the
 * bytes came from decides.
 *
 * Behind an IOMMU the question does not arise: 28 bits of I/O addresses are enough, and every
 * page can have one.
 */
#include <linux/dma-mapping.h>
#include <linux/ioport.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/random.h>

#include "ai_gpu.h"

#define PROBE_BYTES  16
#define PROBE_BLOCKS 4 /* of each node */
#define PROBE_ORDER  5 /* so that they lie in different places */
#define PROBE_MS     2000 /* for both copies, whatever jobs may take */

static DEFINE_PER_CPU(u8[PROBE_BYTES], probe);
static DEFINE_MUTEX(probe_lock); /* one measurement at a time writes to probe */

/**
 * ai_gpu_translated() - is there an IOMMU that translates for the device?
 * @gpu: the device
 *
 * Return: true when its addresses are not those of memory.
 */
bool ai_gpu_translated(struct ai_gpu *gpu)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&gpu->pdev->dev);

	return domain && (domain->type & __IOMMU_DOMAIN_PAGING);
}

/**
 * ai_gpu_reach_prepare() - tell the kernel which addresses the device can have
 * @gpu: the device
 *
 * Without an IOMMU exporters may map any page for the device, since the module copies itself
 * what the device does not reach: the kernel's own bounce buffers lie where such a device does
 * not reach either.
 *
 * Return: 0 or a negative errno.
 */
int ai_gpu_reach_prepare(struct ai_gpu *gpu)
{
	struct device *dev = &gpu->pdev->dev;
	bool translated = ai_gpu_translated(gpu);
	int ret;

	gpu->reach = DMA_BIT_MASK(AI_GPU_SURE_BITS);
	ret = dma_set_mask(dev, translated ? DMA_BIT_MASK(AI_GPU_SURE_BITS) : DMA_BIT_MASK(64));
	if (!ret)
		ret = dma_set_coherent_mask(dev, DMA_BIT_MASK(AI_GPU_SURE_BITS));
	if (ret)
		return dev_err_probe(dev, ret, "no DMA with %d address bits\n", AI_GPU_SURE_BITS);
	/* A segment may be as long as exporters like: it is cut to what the device takes. */
	dma_set_max_seg_size(dev, UINT_MAX);
	if (translated)
		return 0;
	gpu->bounce = dma_alloc_coherent(dev, AI_GPU_MEMORY_BYTES, &gpu->bounce_dma, GFP_KERNEL);
	return gpu->bounce ? 0 : -ENOMEM;
}

/**
 * ai_gpu_reach_end() - give back what ai_gpu_reach_prepare() took; the engine is quiet
 * @gpu: the device
 */
void ai_gpu_reach_end(struct ai_gpu *gpu)
{
	if (gpu->bounce)
		dma_free_coherent(&gpu->pdev->dev, AI_GPU_MEMORY_BYTES, gpu->bounce,
				  gpu->bounce_dma);
	gpu->bounce = NULL;
}

/*
 * May the device read at what it makes of the address, however many bits it has? Registers are
 * not for reading.
 */
static bool harmless(u64 address)
{
	unsigned int bits;

	for (bits = AI_GPU_SURE_BITS; bits < fls64(address); bits++)
		if (!page_is_ram((address & DMA_BIT_MASK(bits)) >> PAGE_SHIFT))
			return false;
	return true;
}

/* Takes @here when the device may read there and it lies higher than the best so far. */
static void consider(void *here, void **best)
{
	if (virt_addr_valid(here) && harmless(virt_to_phys(here)) &&
	    (!*best || virt_to_phys(here) > virt_to_phys(*best)))
		*best = here;
}

/*
 * Where random bytes can be put for the device to read; NULL when there is no such place. Free
 * pages can be anywhere, while a module's per-CPU variable lies in memory that was set aside at
 * boot from the top of the CPU's node. What is taken for it goes to @blocks.
 */
static void *highest(struct list_head *blocks)
{
	const gfp_t flags = GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN | __GFP_NORETRY;
	void *best = NULL;
	struct page *page;
	int cpu, node, i;

	for_each_possible_cpu(cpu)
		consider(per_cpu_ptr(&probe, cpu), &best);
	for_each_node_state(node, N_MEMORY) {
		for (i = 0; i < PROBE_BLOCKS; i++) {
			page = alloc_pages_node(node, flags, PROBE_ORDER);
			if (!page)
				break;
			list_add(&page->lru, blocks);
			consider(page_address(page), &best);
		}
	}
	return best;
}

static void free_blocks(struct list_head *blocks)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, blocks, lru) {
		list_del(&page->lru);
		__free_pages(page, PROBE_ORDER);
	}
}

/* Copies what is at @address through the device to the bounce page, and compares. */
static int reaches(struct ai_gpu *gpu, dma_addr_t address, const void *there, bool *same)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(PROBE_MS);
	int ret;

	memset(gpu->bounce, 0, PROBE_BYTES);
	ret = ai_gpu_edu_copy(gpu, AI_GPU_TO_DEVICE, address, 0, PROBE_BYTES, deadline);
	if (!ret)
		ret = ai_gpu_edu_copy(gpu, AI_GPU_FROM_DEVICE, gpu->bounce_dma, 0, PROBE_BYTES,
				      deadline);
	/* Before the caller may give the page to somebody else. */
	if (ret)
		ai_gpu_edu_stop(gpu);
	*same = !memcmp(gpu->bounce, there, PROBE_BYTES);
	return ret;
}

/**
 * ai_gpu_reach_measure() - find out which addresses the device can name
 * @gpu: the device, started; engine mutex held
 *
 * Return: 0, or a negative errno when the device does not copy at all.
 */
int ai_gpu_reach_measure(struct ai_gpu *gpu)
{
	struct device *dev = &gpu->pdev->dev;
	LIST_HEAD(blocks);
	dma_addr_t address;
	void *there;
	bool same;
	int ret = 0;

	if (!gpu->bounce || dma_get_required_mask(dev) <= gpu->reach)
		return 0;
	mutex_lock(&probe_lock);
	there = highest(&blocks);
	if (!there)
		goto unlock;
	get_random_bytes(there, PROBE_BYTES);
	address = dma_map_single(dev, there, PROBE_BYTES, DMA_TO_DEVICE);
	if (dma_mapping_error(dev, address))
		goto unlock;
	/*
	 * Not where the bytes are: a bounce buffer of the kernel, of which nothing was asked
	 * above.
	 */
	if (address != virt_to_phys(there) || address <= gpu->reach)
		goto unmap;
	ret = reaches(gpu, address, there, &same);
	if (!ret && same)
		gpu->reach = DMA_BIT_MASK(fls64(address));
unmap:
	dma_unmap_single(dev, address, PROBE_BYTES, DMA_TO_DEVICE);
unlock:
	mutex_unlock(&probe_lock);
	free_blocks(&blocks);
	return ret;
}
