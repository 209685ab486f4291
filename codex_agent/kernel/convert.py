# SPDX-License-Identifier: Apache-2.0
"""Makes figures of what the /proc files say, and gives the reason for each that is missing."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from codex_agent.kernel.figures import (
    GpuDevice,
    GpuFigures,
    MemoryFigures,
    ObservedFunction,
    PoolNode,
    PoolOwner,
)
from codex_agent.kernel.proc.gpu import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_agent.kernel.abi import ai_gpu_proc, ai_mem_proc
    from codex_agent.kernel.abi.form import Link
    from codex_agent.kernel.proc.gpu import Gpu
    from codex_agent.kernel.proc.memory import Memory

KIB = 1 << 10
MIB = 1 << 20
OWNERS_MAX = 256
#: What the kernel gives for a user without an id in the reader's user namespace.
OVERFLOW_UID = 65534

_OWNER_REASONS = {
    "pid": "it is in another PID namespace, or has ended",
    "uid": "it is not known in this user namespace",
    "cgroup": "it cannot be named from here",
}
_OBSERVED_REASONS = {
    "driver": "no driver is bound",
    "link": "it has no PCI Express link, or the link does not tell",
    "port": "there is no port above it, or the port does not tell",
    "numa": "the platform names no NUMA node for it",
    "power": "the kernel does not know it",
    "aer": "it has no Advanced Error Reporting, or does not tell",
}
_ASLEEP = "the function sleeps and is not woken"
#: What the kernel knows of a function without asking it.
_KNOWN_ASLEEP = ("driver", "numa", "power")


def memory(said: Memory, *, all_users: bool) -> MemoryFigures:
    """Return the figures of the pool; ``all_users``: every user has an id where this is read."""
    status = said.status
    return MemoryFigures(
        pool_bytes=status.pool_size_mib * MIB,
        block_bytes=status.block_size_kib * KIB,
        blocks=status.total_blocks,
        allocated_bytes=status.allocated_bytes,
        filled_bytes=status.filled_bytes,
        peak_bytes=status.peak_bytes,
        orphaned_bytes=status.orphaned_bytes,
        owner_count=status.owners,
        exports=status.exports,
        nodes=None
        if said.nodes is None
        else [PoolNode(node.node, node.filled_bytes, node.allocated_bytes) for node in said.nodes],
        owners=None if said.owners is None else _owners(said.owners, all_users=all_users),
    )


def _owners(said: tuple[ai_mem_proc.Owner, ...], *, all_users: bool) -> list[PoolOwner]:
    """Return the largest owners: thousands would fill every message about this host."""
    largest = sorted(said, key=lambda owner: -owner.bytes)[:OWNERS_MAX]
    return [_owner(owner, all_users=all_users) for owner in largest]


def _owner(owner: ai_mem_proc.Owner, *, all_users: bool) -> PoolOwner:
    hidden = owner.uid == OVERFLOW_UID and not all_users
    return PoolOwner(owner.pid or None, None if hidden else owner.uid, owner.bytes, owner.cgroup)


def gpu(said: Gpu) -> GpuFigures:
    """Return the figures of all devices, and what is known of functions that others have."""
    # Without such a function the module leaves out their heading.
    return GpuFigures(
        devices=[_device(device) for device in said.devices],
        observed=[_observed(seen) for seen in said.observed or ()],
    )


def _device(said: ai_gpu_proc.Status) -> GpuDevice:
    vendor, _, device = said.device.partition(":")
    return GpuDevice(
        number=said.gpu,
        active=said.status == ACTIVE,
        vendor_id=vendor,
        device_id=device,
        mapped_bytes=said.dma_buffer_mib * MIB,
        transfers_to=said.transfers_to,
        transfers_from=said.transfers_from,
        bytes_to=said.bytes_to,
        bytes_from=said.bytes_from,
        launches=said.launches,
        interrupts=said.interrupts,
        bounced_bytes=said.bounced_bytes,
        timeouts=said.timeouts,
        resets=said.resets,
        queued=said.queued,
    )


def _observed(seen: ai_gpu_proc.Observed) -> ObservedFunction:
    vendor, _, device = seen.device.partition(":")
    return ObservedFunction(
        address=seen.address,
        vendor_id=vendor,
        device_id=device,
        driver=seen.driver,
        link_speed_gts=_speed(seen.link),
        link_width=_width(seen.link),
        link_speed_max_gts=_speed(seen.max),
        link_width_max=_width(seen.max),
        port_speed_gts=_speed(seen.port),
        port_width=_width(seen.port),
        port_speed_max_gts=_speed(seen.port_max),
        port_width_max=_width(seen.port_max),
        numa_node=seen.node,
        power_state=seen.power,
        aer_correctable=seen.aer_correctable,
        aer_uncorrectable=seen.aer_uncorrectable,
    )


def _speed(link: Link | None) -> float | None:
    return link.gts if link else None


def _width(link: Link | None) -> int | None:
    return link.width if link else None


def _nulls(
    entry: MemoryFigures | PoolOwner | GpuDevice | ObservedFunction,
) -> Iterator[str]:
    return (field.name for field in fields(entry) if getattr(entry, field.name) is None)


def missing_of_memory(figures: MemoryFigures) -> dict[str, str]:
    """Return the reason for each figure that is None, under its path; owners by their place."""
    found = dict.fromkeys(_nulls(figures), "this version of ai_mem does not tell it")
    for place, owner in enumerate(figures.owners or []):
        for name in _nulls(owner):
            found[f"owners.{place}.{name}"] = _OWNER_REASONS[name]
    return found


def missing_of_gpu(figures: GpuFigures) -> dict[str, str]:
    """Return the reason for each figure that is None; devices by place, functions by address."""
    found = {}
    for place, device in enumerate(figures.devices):
        for name in _nulls(device):
            number = "the only device is not numbered"
            other = "this version of ai_gpu does not tell it"
            found[f"devices.{place}.{name}"] = number if name == "number" else other
    for seen in figures.observed:
        asleep = (seen.power_state or "").startswith("D3")
        for name in _nulls(seen):
            about = name.partition("_")[0]
            sleeping = asleep and about not in _KNOWN_ASLEEP
            reason = _ASLEEP if sleeping else _OBSERVED_REASONS[about]
            found[f"observed.{seen.address}.{name}"] = reason
    return found
