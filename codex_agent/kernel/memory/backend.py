# SPDX-License-Identifier: Apache-2.0
"""What the pool needs of the two places that memory can come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import mmap


@dataclass(frozen=True, slots=True)
class Wanted:
    """An allocation to be: bytes, NUMA node (None: any), and what it has to be able to do."""

    bytes: int
    node: int | None = None
    contiguous: bool = False
    shared: bool = False
    ring: bool = False


@dataclass(frozen=True, slots=True)
class PoolStat:
    """The pool now, in bytes and counts; None: this backend cannot tell. A limit of 0 is none."""

    pool_bytes: int
    filled_bytes: int
    allocated_bytes: int
    peak_bytes: int
    orphaned_bytes: int | None
    owner_bytes: int
    owner_limit_bytes: int
    cgroup_bytes: int | None
    cgroup_limit_bytes: int | None
    max_contiguous_bytes: int
    allocations: int
    frees: int
    failures: int
    owners: int | None
    exports: int | None


@dataclass(frozen=True, slots=True)
class Pinned:
    """Whether memory stays where it is; ``reason`` says why it may not."""

    pinned: bool
    reason: str | None = None


class Allocation(Protocol):
    """Memory that was given out; ``data`` and ``ring`` are mapped, ``bytes`` are whole blocks."""

    bytes: int
    data: mmap.mmap
    ring: mmap.mmap | None
    pinned: Pinned

    def export(self, *, read_only: bool) -> int:
        """Return the file descriptor of a new dma-buf."""

    def free(self) -> None:
        """Give the memory back; mappings and dma-bufs keep what they need."""


class Backend(Protocol):
    """A source of memory; raises ``Refused`` and ``Unavailable``."""

    name: str

    def allocate(self, wanted: Wanted) -> Allocation:
        """Return memory, all zero, or raise without having taken anything."""

    def stat(self) -> PoolStat:
        """Return what is taken and free."""

    def close(self) -> None:
        """End the backend; allocations have been freed before."""
