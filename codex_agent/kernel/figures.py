# SPDX-License-Identifier: Apache-2.0
"""What the kernel services say of themselves: the shapes behind ``/api/kernel/stats``.

Sizes are bytes, link speeds GT/s per lane, counts since the module was loaded or the device bound.
A field that the module does not tell is None; ``stats`` has the reason under the field's path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class PoolNode:
    """The pool's share on a NUMA node: memory held there, and what of it owners have."""

    node: int
    filled_bytes: int
    allocated_bytes: int


@dataclass(frozen=True, slots=True)
class PoolOwner:
    """An open file that holds memory; ids and path as the reader's namespaces name them."""

    pid: int | None
    uid: int | None
    bytes: int
    cgroup: str | None


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """The pool of ai_mem: limit, memory held, memory given to owners, and who these are.

    ``owners`` are the 256 that hold most, the largest first; ``owner_count`` counts all.
    """

    pool_bytes: int
    block_bytes: int
    blocks: int
    allocated_bytes: int
    filled_bytes: int | None
    peak_bytes: int | None
    orphaned_bytes: int | None
    owner_count: int | None
    exports: int | None
    nodes: list[PoolNode] | None
    owners: list[PoolOwner] | None


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """A device that ai_gpu drives; every counter is of what the device completed.

    ``number`` is that of ``/dev/ai_gpuN``. ``bounced_bytes`` are bytes that the kernel copied
    because the device could not reach them. ``mapped_bytes`` is known to the MiB.
    """

    number: int | None
    active: bool
    vendor_id: str
    device_id: str
    mapped_bytes: int
    transfers_to: int
    transfers_from: int
    bytes_to: int | None
    bytes_from: int | None
    launches: int
    interrupts: int | None
    bounced_bytes: int | None
    timeouts: int | None
    resets: int | None
    queued: int | None


@dataclass(frozen=True, slots=True)
class ObservedFunction:
    """A display controller or accelerator that ai_gpu leaves to others and only looks at.

    ``port_*`` is the link of the port above it; ``aer_*`` are the status registers of Advanced
    Error Reporting, a bit for each kind of error.
    """

    address: str
    vendor_id: str
    device_id: str
    driver: str | None
    link_speed_gts: float | None
    link_width: int | None
    link_speed_max_gts: float | None
    link_width_max: int | None
    port_speed_gts: float | None
    port_width: int | None
    port_speed_max_gts: float | None
    port_width_max: int | None
    numa_node: int | None
    power_state: str | None
    aer_correctable: int | None
    aer_uncorrectable: int | None


@dataclass(frozen=True, slots=True)
class GpuFigures:
    """What ai_gpu drives, and what it observes."""

    devices: list[GpuDevice]
    observed: list[ObservedFunction]


@dataclass(frozen=True, slots=True)
class KernelServices:
    """The kernel services of a host; None for one that is not there."""

    scheduler: None
    memory: MemoryFigures | None
    gpu: GpuFigures | None
    tracing: None


State = Literal[
    "active", "absent", "not-needed", "not-loaded", "unanswered", "malformed", "unreadable"
]


@dataclass(frozen=True, slots=True)
class ServiceStats:
    """How a kernel service stands.

    ``active``: it answers. ``absent``: it is not part of this host. ``not-needed``: its module is
    installed for the running kernel, and is loaded only for devices that this host does not have.
    ``not-loaded``: it is installed, should be loaded and is not. ``unanswered``: the module is
    loaded and its file is not there. ``malformed``: what it says is not in the form that is known
    here. ``unreadable``: which of these it is could not be found out.

    ``reason`` is a clause and ``hint`` what to do, both None while it answers. ``missing`` has the
    reason for each figure that is None, under its dotted path below the figures.
    """

    state: State
    source: str
    age_ms: int
    reason: str | None
    hint: str | None
    missing: dict[str, str]


@dataclass(frozen=True, slots=True)
class PlainStats(ServiceStats):
    """How a service stands that has no figures yet."""

    figures: None


@dataclass(frozen=True, slots=True)
class MemoryStats(ServiceStats):
    """How ai_mem stands, and its figures while it answers."""

    figures: MemoryFigures | None


@dataclass(frozen=True, slots=True)
class GpuStats(ServiceStats):
    """How ai_gpu stands, and its figures while it answers."""

    figures: GpuFigures | None


@dataclass(frozen=True, slots=True)
class KernelStats:
    """All kernel services of a host: the shape of ``/api/kernel/stats``."""

    scheduler: PlainStats
    memory: MemoryStats
    gpu: GpuStats
    tracing: PlainStats
