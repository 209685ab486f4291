// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of QEMU's edu device, and how to make it work and stop. It copies at most its
 * 4096 bytes of memory at a time, each copy takes 100 ms, and nothing can break one off: its
 * timer fires, moves the bytes and clears the run bit, also across a reset of the function.
 * What holds it back is bus mastering: while that is off its accesses go nowhere.
 */
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/jiffies.h>

#include "ai_gpu.h"

#define EDU_IDENTIFICATION  0x00
#define EDU_LIVENESS	    0x04 /* reads as the complement of what was written */
#define EDU_FACTORIAL	    0x08 /* argument in, result out */
#define EDU_STATUS	    0x20
#define EDU_IRQ_STATUS	    0x24
#define EDU_IRQ_ACKNOWLEDGE 0x64
#define EDU_DMA_SOURCE	    0x80
#define EDU_DMA_TARGET	    0x88
#define EDU_DMA_COUNT	    0x90
#define EDU_DMA_COMMAND	    0x98
#define EDU_REGISTERS_END   0xa0

#define EDU_ID_MASK 0x0000ffff /* above: version */
#define EDU_ID	    0x000000ed

#define EDU_STATUS_COMPUTING BIT(0)
#define EDU_STATUS_INTERRUPT BIT(7)

#define EDU_IRQ_FACTORIAL BIT(0)
#define EDU_IRQ_DMA	  BIT(8)

#define EDU_DMA_RUN	    BIT(0)
#define EDU_DMA_FROM_DEVICE BIT(1)
#define EDU_DMA_INTERRUPT   BIT(2)

#define EDU_MEMORY   0x40000 /* where its memory lies in its own address space */
#define EDU_QUIET_MS 1000 /* ten times what a copy takes */
#define EDU_POLL_MS  5
#define EDU_ABSENT   U32_MAX /* what a read gives when nobody answers */

/**
 * ai_gpu_edu_bar_bytes() - the least size of a BAR that has the registers
 *
 * Return: bytes.
 */
resource_size_t ai_gpu_edu_bar_bytes(void)
{
	return EDU_REGISTERS_END;
}

/* A BAR that was shut reads as 0 or as all ones, depending on the machine. */
static bool edu_answers(struct ai_gpu *gpu)
{
	return (readl(gpu->regs + EDU_IDENTIFICATION) & EDU_ID_MASK) == EDU_ID;
}

/**
 * ai_gpu_edu_identify() - ask registers whether they are those of an edu device
 * @regs: the registers
 * @identification: what the identification register says
 *
 * Only reads until the identification is the right one.
 *
 * Return: 0, or -ENODEV.
 */
int ai_gpu_edu_identify(void __iomem *regs, u32 *identification)
{
	const u32 pattern = 0xa5c3965a;

	*identification = readl(regs + EDU_IDENTIFICATION);
	if ((*identification & EDU_ID_MASK) != EDU_ID)
		return -ENODEV;
	writel(pattern, regs + EDU_LIVENESS);
	return readl(regs + EDU_LIVENESS) == ~pattern ? 0 : -ENODEV;
}

/**
 * ai_gpu_edu_interrupt() - interrupt handler
 * @irq: interrupt number
 * @data: struct ai_gpu
 *
 * Return: IRQ_HANDLED when the device has raised it.
 */
irqreturn_t ai_gpu_edu_interrupt(int irq, void *data)
{
	struct ai_gpu *gpu = data;
	u32 pending;

	/* The line may be shared, and a sleeping device must not be read. */
	if (!READ_ONCE(gpu->awake))
		return IRQ_NONE;
	pending = readl(gpu->regs + EDU_IRQ_STATUS);
	if (!pending || pending == EDU_ABSENT)
		return IRQ_NONE;
	/*
	 * Acknowledged before who waits looks at the device, so what ends later raises another
	 * one.
	 */
	writel(pending, gpu->regs + EDU_IRQ_ACKNOWLEDGE);
	atomic64_inc(&gpu->interrupts);
	atomic_or(pending, &gpu->events);
	wake_up(&gpu->event_wait);
	return IRQ_HANDLED;
}

/**
 * ai_gpu_edu_start() - see that a stopped device answers, and let it reach memory
 * @gpu: the device; engine mutex held
 *
 * Return: 0, or -EIO when it does not answer.
 */
int ai_gpu_edu_start(struct ai_gpu *gpu)
{
	u32 identification;

	if (ai_gpu_edu_identify(gpu->regs, &identification))
		return -EIO;
	writel(readl(gpu->regs + EDU_IRQ_STATUS), gpu->regs + EDU_IRQ_ACKNOWLEDGE);
	pci_set_master(gpu->pdev);
	return 0;
}

/**
 * ai_gpu_edu_stop() - keep the device from memory and wait until its engine is quiet
 * @gpu: the device; engine mutex held
 *
 * When this returns, with whatever result, nothing writes to memory any more: bus mastering is
 * off, and a copy that was under way has had its time. Only ai_gpu_edu_start() turns bus
 * mastering on again.
 *
 * Return: 0, or -EIO when the device does not answer or does not become quiet.
 */
int ai_gpu_edu_stop(struct ai_gpu *gpu)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(EDU_QUIET_MS);
	u16 pci_command;
	bool answers;
	bool late;

	pci_clear_master(gpu->pdev);
	/* The answer to a read comes after the write before it has taken effect. */
	pci_read_config_word(gpu->pdev, PCI_COMMAND, &pci_command);

	for (;;) {
		late = time_after(jiffies, deadline);
		answers = edu_answers(gpu);
		if (answers && !(readl(gpu->regs + EDU_DMA_COMMAND) & EDU_DMA_RUN))
			break;
		/*
		 * A function that left the bus has no engine to wait for; one whose BAR is shut
		 * has.
		 */
		if (late || (!answers && !pci_device_is_present(gpu->pdev)))
			return -EIO;
		msleep(EDU_POLL_MS);
	}
	writel(0, gpu->regs + EDU_STATUS);
	writel(readl(gpu->regs + EDU_IRQ_STATUS), gpu->regs + EDU_IRQ_ACKNOWLEDGE);
	return 0;
}

/*
 * Waits until the device has said by interrupt that it is done and its register confirms it: an
 * interrupt may be one that an earlier, abandoned operation left behind.
 */
static int edu_wait(struct ai_gpu *gpu, u32 event, unsigned int reg, u32 busy,
		    unsigned long deadline)
{
	long left;
	u32 value;
	int ret;

	for (;;) {
		left = max_t(long, deadline - jiffies, 0);
		wait_event_timeout(gpu->event_wait,
				   (atomic_read(&gpu->events) & event) || ai_gpu_abort(gpu), left);
		ret = ai_gpu_abort(gpu);
		if (ret)
			return ret;
		if (!(atomic_fetch_andnot(event, &gpu->events) & event))
			return -ETIMEDOUT;
		/* In this order: who answers after the register was read has answered then. */
		value = readl(gpu->regs + reg);
		if (!edu_answers(gpu))
			return -EIO;
		if (!(value & busy))
			return 0;
	}
}

/**
 * ai_gpu_edu_idle() - wait until the computing unit is free
 * @gpu: the device; engine mutex held
 * @deadline: jiffies
 *
 * A computation cannot be broken off, so one that was given up still holds the unit.
 *
 * Return: 0, -ETIMEDOUT, -EIO when the device does not answer, -ENODEV when it leaves.
 */
int ai_gpu_edu_idle(struct ai_gpu *gpu, unsigned long deadline)
{
	bool late;

	for (;;) {
		late = time_after(jiffies, deadline);
		if (!edu_answers(gpu))
			return -EIO;
		if (!(readl(gpu->regs + EDU_STATUS) & EDU_STATUS_COMPUTING))
			return 0;
		if (ai_gpu_gone(gpu))
			return -ENODEV;
		if (late)
			return -ETIMEDOUT;
		msleep(EDU_POLL_MS);
	}
}

/**
 * ai_gpu_edu_copy() - let the device copy between memory and its own memory
 * @gpu: the device; engine mutex held
 * @direction: AI_GPU_TO_DEVICE or AI_GPU_FROM_DEVICE
 * @memory: address for the device
 * @device_address: in device memory, from 0
 * @length: bytes; with @device_address within AI_GPU_MEMORY_BYTES
 * @deadline: jiffies
 *
 * After an error the engine may still be running: ai_gpu_edu_stop() before the memory is used
 * for something else.
 *
 * Return: 0 when the device has done it, -ETIMEDOUT, -EIO, or what ai_gpu_abort() says.
 */
int ai_gpu_edu_copy(struct ai_gpu *gpu, u32 direction, dma_addr_t memory, u32 device_address,
		    u32 length, unsigned long deadline)
{
	u64 inside = EDU_MEMORY + device_address;
	u32 command = EDU_DMA_RUN | EDU_DMA_INTERRUPT;
	u64 source = memory;
	u64 target = inside;
	u16 pci_command;
	int ret;

	if (direction == AI_GPU_FROM_DEVICE) {
		command |= EDU_DMA_FROM_DEVICE;
		swap(source, target);
	}
	/* It ignores new addresses while it runs; it must not run on old ones. */
	if (!edu_answers(gpu) || readl(gpu->regs + EDU_DMA_COMMAND) & EDU_DMA_RUN)
		return -EIO;
	atomic_andnot(EDU_IRQ_DMA, &gpu->events);
	writeq(source, gpu->regs + EDU_DMA_SOURCE);
	writeq(target, gpu->regs + EDU_DMA_TARGET);
	writeq(length, gpu->regs + EDU_DMA_COUNT);
	writeq(command, gpu->regs + EDU_DMA_COMMAND);

	ret = edu_wait(gpu, EDU_IRQ_DMA, EDU_DMA_COMMAND, EDU_DMA_RUN, deadline);
	if (ret)
		return ret;
	/*
	 * It also reports a copy whose accesses went nowhere because someone has turned bus
	 * mastering off.
	 */
	pci_read_config_word(gpu->pdev, PCI_COMMAND, &pci_command);
	return pci_command & PCI_COMMAND_MASTER ? 0 : -EIO;
}

/**
 * ai_gpu_edu_compute() - let the device compute a factorial
 * @gpu: the device; engine mutex held
 * @argument: whose factorial
 * @result: modulo 2^32
 * @deadline: jiffies
 *
 * Return: 0 when the device has done it, -ETIMEDOUT, -EIO, or what ai_gpu_abort() says.
 */
int ai_gpu_edu_compute(struct ai_gpu *gpu, u32 argument, u32 *result, unsigned long deadline)
{
	int ret;

	ret = ai_gpu_edu_idle(gpu, deadline);
	if (ret)
		return ret;
	atomic_andnot(EDU_IRQ_FACTORIAL, &gpu->events);
	writel(EDU_STATUS_INTERRUPT, gpu->regs + EDU_STATUS);
	writel(argument, gpu->regs + EDU_FACTORIAL);
	ret = edu_wait(gpu, EDU_IRQ_FACTORIAL, EDU_STATUS, EDU_STATUS_COMPUTING, deadline);
	writel(0, gpu->regs + EDU_STATUS);
	if (!ret)
		*result = readl(gpu->regs + EDU_FACTORIAL);
	return ret;
}
