# SPDX-License-Identifier: Apache-2.0
"""What in a kernel log makes a boot fail, and what does not."""

import pytest

from tests.kernel.harness import dmesg

BAD = [
    "WARNING: CPU: 1 PID: 365 at mm/page_alloc.c:1 __alloc_pages+0x1/0x2",
    "BUG: KASAN: slab-use-after-free in ai_mem_x+0x3b/0x90 [ai_mem]",
    "BUG: kernel NULL pointer dereference, address: 0000000000000028",
    "BUG: sleeping function called from invalid context at mm/slab.h:1",
    "BUG: Bad page state in process programs  pfn:12345",
    "Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI",
    "UBSAN: array-index-out-of-bounds in /x/ai_mem/ring.c:1:2",
    "INFO: task programs:12 blocked for more than 120 seconds.",
    "WARNING: possible circular locking dependency detected",
    "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    "DMA-API: ai_gpu 0000:00:01.0: device driver frees DMA memory with wrong function",
    "DMAR: [DMA Write NO_PASID] Request device [00:03.0] fault addr 0xfffff000",
    "refcount_t: underflow; use-after-free.",
    "list_del corruption. prev->next should be ff",
    "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "ai_gpu 0000:00:01.0: swiotlb buffer is full (sz: 4096 bytes)",
    "Kernel panic - not syncing: Fatal exception",
    "irq 24: nobody cared (try booting with the irqpoll option)",
]
GOOD = [
    "KernelAddressSanitizer initialized",
    "kasan: KernelAddressSanitizer initialized",
    "DMA-API: preallocated 65536 debug entries",
    "DMA-API: debugging enabled by kernel config",
    "DMAR: Host address width 46",
    "DMAR: IOMMU enabled",
    "ai_mem: loading out-of-tree module taints kernel.",
    "ai_gpu: module verification failed: signature and/or required key missing - tainting kernel",
    "rcu: Hierarchical RCU implementation.",
    "kmemleak: Kernel memory leak detector initialized (mem pool available: 11577)",
]


@pytest.mark.parametrize("line", BAD)
def test_trouble_is_found(line: str) -> None:
    assert dmesg.trouble(f"[    1.000000] harmless\n[    2.000000] {line}\r\n") != []


@pytest.mark.parametrize("line", GOOD)
def test_ordinary_lines_pass(line: str) -> None:
    assert dmesg.trouble(f"[    1.000000] {line}\n") == []


def test_what_follows_is_shown() -> None:
    log = "quiet\nBUG: KASAN: x\n first\n second\n"
    assert dmesg.trouble(log) == ["BUG: KASAN: x", " first", " second"]


HOT_PLUG = """[ 1.0] WARNING: possible circular locking dependency detected
[ 1.0] irq/24-pciehp/41 is trying to acquire lock:
[ 1.0] ff1100 (&ctrl->reset_lock){.+.+}-{3:3}, at: pciehp_unconfigure_device+0x18e/0x220
[ 1.0] but task is already holding lock:
[ 1.0] ffff82 (pci_rescan_remove_lock){+.+.}-{3:3}, at: pci_lock_rescan_remove+0x16/0x20
[ 1.0] Call Trace:
[ 1.0]  <TASK>
[ 1.0]  pciehp_ist+0x275/0x300
[ 1.0]  </TASK>
"""


def test_the_kernels_own_hot_plug_report_is_known() -> None:
    assert dmesg.trouble(HOT_PLUG) == []


def test_it_hides_nothing_else() -> None:
    assert dmesg.trouble(HOT_PLUG + "BUG: KASAN: x\n") != []
    assert dmesg.trouble(HOT_PLUG.replace("pciehp_ist", "ai_gpu_remove [ai_gpu]")) != []
    assert dmesg.trouble(HOT_PLUG.replace("reset_lock", "other_lock")) != []
