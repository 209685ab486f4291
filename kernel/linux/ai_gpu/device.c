// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device comes, sleeps, is reset and goes. The PCI core holds the device's lock around probe,
 * remove and reset; open files only hold the structure, which outlives the binding.
 */
#include <linux/device.h>
#include <linux/pm_runtime.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "ai_gpu.h"

#define AUTOSUSPEND_MS 1000

static DEFINE_XARRAY_ALLOC(gpus);
static DEFINE_MUTEX(gpus_lock); /* an entry of gpus can be shown and referenced */

static void gpu_release(struct kref *refs)
{
	kfree(container_of(refs, struct ai_gpu, refs));
}

/**
 * ai_gpu_put() - give back a reference
 * @gpu: the device
 */
void ai_gpu_put(struct ai_gpu *gpu)
{
	kref_put(&gpu->refs, gpu_release);
}

/**
 * ai_gpu_find() - the device of a minor number
 * @number: N of /dev/ai_gpuN
 *
 * Return: the device with a reference for the caller, NULL when there is none.
 */
struct ai_gpu *ai_gpu_find(unsigned int number)
{
	struct ai_gpu *gpu;

	mutex_lock(&gpus_lock);
	gpu = xa_load(&gpus, number);
	if (gpu)
		kref_get(&gpu->refs);
	mutex_unlock(&gpus_lock);
	return gpu;
}

/**
 * ai_gpu_for_each() - show all devices; none comes or leaves meanwhile
 * @show: shows one, the @place-th of @count, from 0
 * @m: where to
 *
 * Return: how many there are.
 */
unsigned int ai_gpu_for_each(void (*show)(struct ai_gpu *gpu, struct seq_file *m,
					  unsigned int place, unsigned int count),
			     struct seq_file *m)
{
	struct ai_gpu *gpu;
	unsigned long number;
	unsigned int count = 0;
	unsigned int place = 0;

	mutex_lock(&gpus_lock);
	xa_for_each(&gpus, number, gpu)
		count++;
	xa_for_each(&gpus, number, gpu)
		show(gpu, m, place++, count);
	mutex_unlock(&gpus_lock);
	return count;
}

/**
 * ai_gpu_gone() - has the device left?
 * @gpu: the device
 *
 * Return: true when nothing will be done by it any more.
 */
bool ai_gpu_gone(struct ai_gpu *gpu)
{
	return READ_ONCE(gpu->state) == AI_GPU_STATE_GONE;
}

static struct ai_gpu *gpu_alloc(struct pci_dev *pdev)
{
	struct ai_gpu *gpu = kzalloc_node(sizeof(*gpu), GFP_KERNEL, dev_to_node(&pdev->dev));

	if (!gpu)
		return NULL;
	kref_init(&gpu->refs);
	gpu->pdev = pdev;
	strscpy(gpu->address, pci_name(pdev));
	gpu->vendor = pdev->vendor;
	gpu->device = pdev->device;
	gpu->numa_node = dev_to_node(&pdev->dev);
	gpu->state = AI_GPU_STATE_ACTIVE;
	mutex_init(&gpu->engine);
	spin_lock_init(&gpu->lock);
	INIT_LIST_HEAD(&gpu->waiting);
	INIT_WORK(&gpu->work, ai_gpu_work);
	init_waitqueue_head(&gpu->event_wait);
	init_waitqueue_head(&gpu->changed);
	return gpu;
}

/*
 * Takes BAR 0 of a function that answers as edu. Another one, which driver_override can bring
 * here, is left as it was.
 */
static int gpu_map(struct ai_gpu *gpu)
{
	struct pci_dev *pdev = gpu->pdev;
	int ret;

	if (!(pci_resource_flags(pdev, 0) & IORESOURCE_MEM) ||
	    pci_resource_len(pdev, 0) < ai_gpu_edu_bar_bytes()) {
		dev_err(&pdev->dev, "not an edu device: BAR 0 cannot have its registers\n");
		return -ENODEV;
	}
	ret = pci_enable_device_mem(pdev);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "cannot be enabled\n");
	ret = pci_request_region(pdev, 0, "ai_gpu");
	if (ret)
		goto disable;
	gpu->regs = pci_iomap(pdev, 0, 0);
	ret = -ENOMEM;
	if (!gpu->regs)
		goto region;
	ret = ai_gpu_edu_identify(gpu->regs, &gpu->identification);
	if (!ret)
		return 0;
	dev_err(&pdev->dev, "not an edu device: identification %#010x\n", gpu->identification);
	pci_iounmap(pdev, gpu->regs);
region:
	pci_release_region(pdev, 0);
disable:
	pci_disable_device(pdev);
	return ret;
}

static void gpu_unmap(struct ai_gpu *gpu)
{
	pci_iounmap(gpu->pdev, gpu->regs);
	pci_release_region(gpu->pdev, 0);
	pci_disable_device(gpu->pdev);
}

/*
 * Quiet engine first: what an earlier driver left running must not meet our interrupt vector or
 * mappings.
 */
static int gpu_start(struct ai_gpu *gpu)
{
	struct pci_dev *pdev = gpu->pdev;
	int ret;

	ret = ai_gpu_edu_stop(gpu);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "its DMA engine does not become quiet\n");
	ret = pci_save_state(pdev);
	if (ret)
		return ret;
	gpu->saved = pci_store_saved_state(pdev);
	if (!gpu->saved)
		return -ENOMEM;
	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI | PCI_IRQ_INTX);
	if (ret < 0) {
		dev_err_probe(&pdev->dev, ret, "no interrupt to be had\n");
		goto saved;
	}
	gpu->irq = pci_irq_vector(pdev, 0);
	gpu->awake = true;
	ret = request_irq(gpu->irq, ai_gpu_edu_interrupt, pdev->msi_enabled ? 0 : IRQF_SHARED,
			  "ai_gpu", gpu);
	if (ret)
		goto vectors;
	mutex_lock(&gpu->engine);
	ret = ai_gpu_edu_start(gpu);
	if (!ret)
		ret = ai_gpu_reach_measure(gpu);
	if (ret)
		ai_gpu_edu_stop(gpu);
	mutex_unlock(&gpu->engine);
	if (!ret)
		return 0;
	dev_err_probe(&pdev->dev, ret, "does not do DMA\n");
	free_irq(gpu->irq, gpu);
vectors:
	pci_free_irq_vectors(pdev);
saved:
	kfree(gpu->saved);
	return ret;
}

static void gpu_stop(struct ai_gpu *gpu)
{
	mutex_lock(&gpu->engine);
	ai_gpu_edu_stop(gpu);
	mutex_unlock(&gpu->engine);
	free_irq(gpu->irq, gpu);
	pci_free_irq_vectors(gpu->pdev);
	/*
	 * A computation may still end and raise the line, and nobody would answer. Enabling the
	 * function allows it again.
	 */
	pci_intx(gpu->pdev, 0);
	kfree(gpu->saved);
}

/* From here on every call gives ENODEV and who waits is woken; the job under way breaks off. */
static void gpu_leave(struct ai_gpu *gpu)
{
	spin_lock(&gpu->lock);
	WRITE_ONCE(gpu->state, AI_GPU_STATE_GONE);
	spin_unlock(&gpu->lock);
	wake_up_all(&gpu->event_wait);
	wake_up_all(&gpu->changed);
	queue_work(gpu->queue, &gpu->work);
}

static int gpu_publish(struct ai_gpu *gpu)
{
	struct device *parent = &gpu->pdev->dev;
	u32 number;
	int ret;

	mutex_lock(&gpus_lock);
	ret = xa_alloc(&gpus, &number, gpu, XA_LIMIT(0, AI_GPU_MINORS - 1), GFP_KERNEL);
	if (!ret)
		gpu->number = number;
	mutex_unlock(&gpus_lock);
	if (ret)
		return dev_err_probe(parent, ret, "no number for it\n");
	gpu->node = device_create(&ai_gpu_class, parent, MKDEV(ai_gpu_major, number), NULL,
				  "ai_gpu%u", number);
	return PTR_ERR_OR_ZERO(gpu->node);
}

static void gpu_withdraw(struct ai_gpu *gpu)
{
	gpu_leave(gpu);
	if (!IS_ERR(gpu->node))
		device_destroy(&ai_gpu_class, MKDEV(ai_gpu_major, gpu->number));
	/* Ends the running job, then those that wait. */
	destroy_workqueue(gpu->queue);
	mutex_lock(&gpus_lock);
	xa_erase(&gpus, gpu->number);
	mutex_unlock(&gpus_lock);
}

/**
 * ai_gpu_probe() - take a device
 * @pdev: the function
 * @id: why it was offered
 *
 * Return: 0, -ENODEV when it is not an edu device, or another negative errno.
 */
int ai_gpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ai_gpu *gpu;
	int ret;

	gpu = gpu_alloc(pdev);
	if (!gpu)
		return -ENOMEM;
	ret = gpu_map(gpu);
	if (ret)
		goto put;
	ret = ai_gpu_reach_prepare(gpu);
	if (ret)
		goto unmap;
	ret = gpu_start(gpu);
	if (ret)
		goto reach;
	ret = -ENOMEM;
	/* Freezable: no copy is under way while the system sleeps. */
	gpu->queue = alloc_ordered_workqueue("ai_gpu/%s", WQ_FREEZABLE, gpu->address);
	if (!gpu->queue)
		goto stop;
	pci_set_drvdata(pdev, gpu);
	ret = gpu_publish(gpu);
	if (ret)
		goto withdraw;

	pm_runtime_set_autosuspend_delay(&pdev->dev, AUTOSUSPEND_MS);
	pm_runtime_use_autosuspend(&pdev->dev);
	pm_runtime_allow(&pdev->dev);
	pm_runtime_mark_last_busy(&pdev->dev);
	pm_runtime_put_autosuspend(&pdev->dev);
	return 0;

withdraw:
	if (gpu->node)
		gpu_withdraw(gpu);
	else
		destroy_workqueue(gpu->queue);
stop:
	gpu_stop(gpu);
reach:
	ai_gpu_reach_end(gpu);
unmap:
	gpu_unmap(gpu);
put:
	ai_gpu_put(gpu);
	return ret;
}

/**
 * ai_gpu_remove() - leave a device: unbound, unplugged or the module goes
 * @pdev: the function
 */
void ai_gpu_remove(struct pci_dev *pdev)
{
	struct ai_gpu *gpu = pci_get_drvdata(pdev);

	pm_runtime_get_noresume(&pdev->dev);
	pm_runtime_forbid(&pdev->dev);
	pm_runtime_dont_use_autosuspend(&pdev->dev);
	gpu_withdraw(gpu);
	gpu_stop(gpu);
	ai_gpu_reach_end(gpu);
	gpu_unmap(gpu);
	ai_gpu_put(gpu);
}

/**
 * ai_gpu_shutdown() - the system goes down: what is started next must not be written to
 * started next
 * @pdev: the function
 */
void ai_gpu_shutdown(struct pci_dev *pdev)
{
	struct ai_gpu *gpu = pci_get_drvdata(pdev);

	gpu_leave(gpu);
	/*
	 * The worker gives it up when the job under way has ended; a frozen workqueue cannot be
	 * flushed.
	 */
	mutex_lock(&gpu->engine);
	ai_gpu_edu_stop(gpu);
	mutex_unlock(&gpu->engine);
}

/*
 * A reset of the function by others (sysfs): the job under way ends first, and none starts
 * until it is over.
 */
static void gpu_reset_prepare(struct pci_dev *pdev)
{
	struct ai_gpu *gpu = pci_get_drvdata(pdev);

	mutex_lock(&gpu->engine);
	ai_gpu_edu_stop(gpu);
}

static void gpu_reset_done(struct pci_dev *pdev)
{
	struct ai_gpu *gpu = pci_get_drvdata(pdev);

	ai_gpu_restart(gpu);
	mutex_unlock(&gpu->engine);
}

const struct pci_error_handlers ai_gpu_error_handlers = {
	.reset_prepare = gpu_reset_prepare,
	.reset_done = gpu_reset_done,
};

/*
 * No job is under way: it holds a runtime PM reference, and its workqueue is frozen before the
 * system sleeps.
 */
static int gpu_suspend(struct device *dev)
{
	struct ai_gpu *gpu = dev_get_drvdata(dev);

	WRITE_ONCE(gpu->awake, false);
	synchronize_irq(gpu->irq);
	return 0;
}

static int gpu_resume(struct device *dev)
{
	struct ai_gpu *gpu = dev_get_drvdata(dev);

	WRITE_ONCE(gpu->awake, true);
	return 0;
}

_DEFINE_DEV_PM_OPS(ai_gpu_pm, gpu_suspend, gpu_resume, gpu_suspend, gpu_resume, NULL);
