# SPDX-License-Identifier: Apache-2.0
"""The machines that the cases run on. One boot of a kernel runs all programs of a machine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

#: A device that reaches all memory; by itself edu has 28 address bits.
_EDU = "edu,dma_mask=0xffffffffffffffff"


@dataclass(frozen=True)
class Shape:
    """A machine: what QEMU gets, what the kernel's command line gets, which programs run."""

    name: str
    programs: tuple[str, ...]
    qemu: tuple[str, ...] = ()
    machine: str = "q35"
    memory_mib: int = 512
    append: tuple[str, ...] = ()
    options: dict[str, int] = field(default_factory=dict)
    #: Programs that only the sanitizer kernel can run: they need its fault injection.
    sanitized_programs: tuple[str, ...] = ()

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


PLAIN = Shape(
    name="plain",
    programs=(
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
        "mem_fuzz",
    ),
    qemu=("-device", f"{_EDU},id=edu0"),
)

ALL = (PLAIN,)
