# SPDX-License-Identifier: Apache-2.0
"""The machines that the cases run on. One boot of a kernel runs all programs of a machine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

#: A device that reaches all memory; by itself edu has 28 address bits.
_EDU = "edu,dma_mask=0xffffffffffffffff"


@dataclass(frozen=True)
class Shape:
    """A machine: what QEMU gets, what the kernel's command line gets, which programs run.

    ``{half}`` in an argument for QEMU stands for half of the memory.
    """

    name: str
    programs: tuple[str, ...]
    qemu: tuple[str, ...] = ()
    machine: str = "q35"
    memory_mib: int = 512
    append: tuple[str, ...] = ()
    options: dict[str, int] = field(default_factory=dict)
    #: Threads of QEMU's emulator for the guest's CPUs: ``multi``, one each, or ``single``.
    threads: str = "multi"
    #: Programs that only the sanitizer kernel can run: they need its fault injection.
    sanitized_programs: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """Return what QEMU gets beside what every guest gets."""
        return [word.replace("{half}", str(self.memory_mib // 2)) for word in self.qemu]

    def of(self, *, sanitized: bool) -> Shape:
        """Return the shape as it is for a packaged kernel, or for the sanitizer kernel."""
        if not sanitized:
            return self
        # KASAN's shadow takes an eighth of the memory, its quarantine and kmemleak more.
        programs = (*self.programs, *self.sanitized_programs)
        return replace(self, programs=programs, memory_mib=2 * self.memory_mib)

    def only(self, names: tuple[str, ...]) -> Shape:
        """Return the shape with those of its programs only."""
        return replace(self, programs=tuple(name for name in self.programs if name in names))


#: PCI hot plug as hardware does it, by the port, instead of by ACPI.
_NATIVE_HOT_PLUG = ("-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off")

_MEMORY = (
    "mem_alloc",
    "mem_abi",
    "mem_mmap",
    "mem_dmabuf",
    "mem_owner",
    "mem_privilege",
    "mem_gup",
    "mem_ring",
    "mem_threads",
    "mem_proc",
    "mem_idle",
    "mem_params",
    "mem_unload",
)
_DEVICE = ("gpu_info", "gpu_dma", "gpu_launch", "gpu_bounce", "gpu_owner", "gpu_remove")

PLAIN = Shape(
    name="plain",
    programs=(*_MEMORY, *_DEVICE, "gpu_wait", "gpu_timeout", "gpu_pm", "mem_fuzz", "gpu_fuzz"),
    qemu=("-device", f"{_EDU},id=edu0"),
    sanitized_programs=("fault_nth", "fault_random", "leaks"),
)

#: Two devices, one of 28 address bits, behind an IOMMU that is strict; two NUMA nodes.
IOMMU = Shape(
    name="iommu",
    programs=("mem_numa", *_DEVICE, "gpu_two", "gpu_timeout"),
    qemu=(
        *("-device", "intel-iommu"),
        *("-object", "memory-backend-ram,id=near,size={half}M"),
        *("-object", "memory-backend-ram,id=far,size={half}M"),
        *("-numa", "node,nodeid=0,cpus=0,memdev=near"),
        *("-numa", "node,nodeid=1,cpus=1,memdev=far"),
        *("-device", f"{_EDU},id=edu0", "-device", "edu,id=edu1"),
    ),
    memory_mib=640,
    append=("intel_iommu=on", "iommu.strict=1"),
    options={"iommu": 1},
)

#: A device of 28 address bits that does not reach most memory, one in a slot that it can be pulled
#: out of, and a display function that nobody drives.
SLOTS = Shape(
    name="slots",
    programs=("gpu_info", "gpu_dma", "gpu_bounce", "gpu_two", "gpu_remove"),
    qemu=(
        *_NATIVE_HOT_PLUG,
        *("-device", "edu,id=edu0"),
        *("-device", "pcie-root-port,id=slot1,chassis=1,slot=1"),
        *("-device", f"{_EDU},id=edu1,bus=slot1"),
        *("-device", "pcie-root-port,id=slot2,chassis=2,slot=2"),
        *("-device", "bochs-display,bus=slot2"),
    ),
    machine="q35,max-ram-below-4g=240M",
    options={"slots": 1, "high": 1},
    # What is plugged in and out moves the machine's memory map. QEMU 10.0 was seen to abort over
    # that in iotlb_to_section() when each CPU has a thread of its own, and once a CPU of this guest
    # stopped without a word of the kernel, which a lost register access would explain.
    threads="single",
)

ALL = (PLAIN, IOMMU, SLOTS)
