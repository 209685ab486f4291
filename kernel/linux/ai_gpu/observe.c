// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be seen of GPUs and accelerators that others drive, or nobody. Only reading, and
 * only of what is awake: a sleeping function is not woken to be asked, and what it would have
 * said is unavailable.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/seq_file.h>

#include <codex/ai_gpu_proc.h>

#include "ai_gpu.h"

#define LOCK_TRIES    20 /* 5 ms each: a driver that is starting a GPU can take long */
#define LOCK_PAUSE_MS 5

static bool observed_class(const struct pci_dev *pdev)
{
	u8 base = pdev->class >> 16;

	return base == PCI_BASE_CLASS_DISPLAY || base == 0x12; /* processing accelerator */
}

static bool awake(struct pci_dev *pdev)
{
	/*
	 * Of a function without a driver the kernel may not know the state; asleep, it reads as
	 * ones.
	 */
	return pdev && !pm_runtime_suspended(&pdev->dev) && !pci_dev_is_disconnected(pdev) &&
	       (pdev->current_state == PCI_D0 || pdev->current_state == PCI_UNKNOWN);
}

/*
 * While this is held the function's driver stays, and nobody resets the function: then it must
 * not be asked. False when somebody else holds it for long.
 */
static bool hold(struct pci_dev *pdev)
{
	int tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (device_trylock(&pdev->dev))
			return true;
		msleep(LOCK_PAUSE_MS);
	}
	return false;
}

static const char *speed_text(enum pci_bus_speed speed)
{
	switch (speed) {
	case PCIE_SPEED_2_5GT:
		return "2.5";
	case PCIE_SPEED_5_0GT:
		return "5.0";
	case PCIE_SPEED_8_0GT:
		return "8.0";
	case PCIE_SPEED_16_0GT:
		return "16.0";
	case PCIE_SPEED_32_0GT:
		return "32.0";
	case PCIE_SPEED_64_0GT:
		return "64.0";
	default:
		return NULL;
	}
}

static void show_link(struct seq_file *m, const char *format, const char *none, const char *speed,
		      unsigned int width)
{
	if (speed && width)
		seq_printf(m, format, speed, width);
	else
		seq_puts(m, none);
}

/* Speed and width now, and the most that this end can do. */
static void show_links(struct seq_file *m, struct pci_dev *pdev, bool port)
{
	const char *speed = NULL;
	const char *max = NULL;
	unsigned int width = 0;
	unsigned int max_width = 0;
	u16 status;

	if (awake(pdev) && pci_is_pcie(pdev) &&
	    !pcie_capability_read_word(pdev, PCI_EXP_LNKSTA, &status) && status != U16_MAX) {
		speed = speed_text(PCIE_SPEED_2_5GT - 1 + (status & PCI_EXP_LNKSTA_CLS));
		width = FIELD_GET(PCI_EXP_LNKSTA_NLW, status);
		max = speed_text(pcie_get_speed_cap(pdev));
		max_width = pcie_get_width_cap(pdev);
	}
	if (port) {
		show_link(m, AI_GPU_PROC_OBSERVED_PORT, AI_GPU_PROC_OBSERVED_PORT_UNAVAILABLE,
			  speed, width);
		show_link(m, AI_GPU_PROC_OBSERVED_PORT_MAX,
			  AI_GPU_PROC_OBSERVED_PORT_MAX_UNAVAILABLE, max, max_width);
	} else {
		show_link(m, AI_GPU_PROC_OBSERVED_LINK, AI_GPU_PROC_OBSERVED_LINK_UNAVAILABLE,
			  speed, width);
		show_link(m, AI_GPU_PROC_OBSERVED_MAX, AI_GPU_PROC_OBSERVED_MAX_UNAVAILABLE, max,
			  max_width);
	}
}

static void show_place(struct seq_file *m, struct pci_dev *pdev)
{
	int node = dev_to_node(&pdev->dev);
	pci_power_t state = pdev->current_state;

	if (node == NUMA_NO_NODE)
		seq_puts(m, AI_GPU_PROC_OBSERVED_NODE_UNAVAILABLE);
	else
		seq_printf(m, AI_GPU_PROC_OBSERVED_NODE, node);
	if (state == PCI_UNKNOWN || state == PCI_POWER_ERROR)
		seq_puts(m, AI_GPU_PROC_OBSERVED_POWER_UNAVAILABLE);
	else
		seq_printf(m, AI_GPU_PROC_OBSERVED_POWER, pci_power_name(state));
}

static void show_aer(struct seq_file *m, struct pci_dev *pdev, int where, const char *format,
		     const char *none)
{
	u32 value;
	int aer = awake(pdev) ? pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_ERR) : 0;

	if (aer && !pci_read_config_dword(pdev, aer + where, &value) && value != U32_MAX)
		seq_printf(m, format, value);
	else
		seq_puts(m, none);
}

static void show_function(struct seq_file *m, struct pci_dev *pdev, bool held)
{
	struct pci_dev *function = held ? pdev : NULL;
	struct pci_dev *port = held ? pci_upstream_bridge(pdev) : NULL;

	seq_printf(m, AI_GPU_PROC_OBSERVED_FUNCTION, pci_name(pdev), pdev->vendor, pdev->device);
	if (!held)
		seq_printf(m, AI_GPU_PROC_OBSERVED_DRIVER, AI_GPU_PROC_UNAVAILABLE);
	else if (pdev->dev.driver)
		seq_printf(m, AI_GPU_PROC_OBSERVED_DRIVER, pdev->dev.driver->name);
	else
		seq_puts(m, AI_GPU_PROC_OBSERVED_DRIVER_NONE);
	show_links(m, function, false);
	show_links(m, port, true);
	show_place(m, pdev);
	show_aer(m, function, PCI_ERR_COR_STATUS, AI_GPU_PROC_OBSERVED_AER_CORRECTABLE,
		 AI_GPU_PROC_OBSERVED_AER_CORRECTABLE_UNAVAILABLE);
	show_aer(m, function, PCI_ERR_UNCOR_STATUS, AI_GPU_PROC_OBSERVED_AER_UNCORRECTABLE,
		 AI_GPU_PROC_OBSERVED_AER_UNCORRECTABLE_UNAVAILABLE);
	seq_puts(m, AI_GPU_PROC_OBSERVED_END);
}

/**
 * ai_gpu_observe() - show the GPUs and accelerators that the module does not drive
 * @m: where to
 */
void ai_gpu_observe(struct seq_file *m)
{
	struct pci_dev *pdev = NULL;
	bool any = false;
	bool held;

	for_each_pci_dev(pdev) {
		if (!observed_class(pdev))
			continue;
		held = hold(pdev);
		if (!held || pci_dev_driver(pdev) != &ai_gpu_driver) {
			if (!any)
				seq_puts(m, AI_GPU_PROC_OBSERVED_HEAD);
			any = true;
			show_function(m, pdev, held);
		}
		if (held)
			device_unlock(&pdev->dev);
	}
}
