# SPDX-License-Identifier: Apache-2.0
"""The kernel services as aligned text: in a line or two each, and whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.cli.rows import Rows, size
from codex_agent.problem import shown

if TYPE_CHECKING:
    from codex_agent.kernel.figures import (
        GpuDevice,
        GpuFigures,
        KernelServices,
        KernelStats,
        MemoryFigures,
        ObservedFunction,
        PoolOwner,
        ServiceStats,
    )

_MEMORY = "services.memory"
_GPU = "services.gpu"


def summary(rows: Rows, services: KernelServices) -> None:
    """Append the main figures of each service, as part of the host's state."""
    rows.more("AI memory", _MEMORY, services.memory, lambda pool: _pool_line(rows, pool))
    rows.more("AI devices", _GPU, services.gpu, _gpu_line)
    rows.more("AI scheduler", "services.scheduler", services.scheduler)
    rows.more("Tracing", "services.tracing", services.tracing)


def _pool_line(rows: Rows, pool: MemoryFigures) -> str:
    filled = rows.value(f"{_MEMORY}.filled_bytes", pool.filled_bytes, size)
    owners = rows.value(f"{_MEMORY}.owner_count", pool.owner_count)
    held = f"{size(pool.allocated_bytes)} allocated, {filled} filled of {size(pool.pool_bytes)}"
    return f"{held}, owners {owners}"


def _gpu_line(gpu: GpuFigures) -> str:
    driven = [
        f"{device.vendor_id}:{device.device_id} {_state(device)}, transfers {device.transfers_to} "
        f"to it and {device.transfers_from} from it, launches {device.launches}"
        for device in gpu.devices
    ]
    return f"{'; '.join(driven) or 'none driven'}, observed {len(gpu.observed)}"


def _state(device: GpuDevice) -> str:
    return "active" if device.active else "not initialized"


def text(stats: KernelStats) -> str:
    """Return all that the services say, without a newline at the end."""
    reasons: dict[str, str] = {}
    rows = Rows(reasons)
    for label, path, found in (
        ("Memory pool", _MEMORY, stats.memory),
        ("Devices", _GPU, stats.gpu),
        ("Scheduler", "services.scheduler", stats.scheduler),
        ("Tracing", "services.tracing", stats.tracing),
    ):
        if rows.lines:
            rows.lines.append("")
        reasons[path] = found.reason or ""
        reasons.update({f"{path}.{part}": reason for part, reason in found.missing.items()})
        _standing(rows, label, path, found)
        if found is stats.memory and stats.memory.figures is not None:
            _pool(rows, stats.memory.figures)
        if found is stats.gpu and stats.gpu.figures is not None:
            _gpu(rows, stats.gpu.figures)
    return "\n".join(rows.lines)


def _standing(rows: Rows, label: str, path: str, found: ServiceStats) -> None:
    if found.state == "active":
        rows.add(label, f"{found.source}, {found.age_ms} ms ago")
        return
    rows.more(label, path, None)
    if found.hint is not None:
        rows.add("", f"hint: {shown(found.hint)}")


def _pool(rows: Rows, pool: MemoryFigures) -> None:
    rows.add("Total", f"{size(pool.pool_bytes)}, {pool.blocks} blocks of {size(pool.block_bytes)}")
    rows.add("Allocated", size(pool.allocated_bytes))
    rows.more("Filled", f"{_MEMORY}.filled_bytes", pool.filled_bytes, size)
    rows.more("Peak", f"{_MEMORY}.peak_bytes", pool.peak_bytes, size)
    rows.more("Orphaned", f"{_MEMORY}.orphaned_bytes", pool.orphaned_bytes, size)
    rows.more("Exports", f"{_MEMORY}.exports", pool.exports)
    if pool.nodes is None:
        rows.more("Nodes", f"{_MEMORY}.nodes", None)
    for node in pool.nodes or []:
        words = f"{size(node.allocated_bytes)} allocated, {size(node.filled_bytes)} filled"
        rows.add(f"Node {node.node}", words)
    rows.more("Owners", f"{_MEMORY}.owner_count", pool.owner_count)
    if pool.owners is None:
        rows.more("", f"{_MEMORY}.owners", None)
    for place, owner in enumerate(pool.owners or []):
        rows.add("", _owner(rows, f"{_MEMORY}.owners.{place}", owner))
    if pool.owner_count is not None and pool.owners and pool.owner_count > len(pool.owners):
        rows.add("", f"and {pool.owner_count - len(pool.owners)} that hold less")


def _owner(rows: Rows, path: str, owner: PoolOwner) -> str:
    pid = rows.value(f"{path}.pid", owner.pid)
    uid = rows.value(f"{path}.uid", owner.uid)
    cgroup = rows.value(f"{path}.cgroup", owner.cgroup)
    return f"{size(owner.bytes)}  process {pid}, user {uid}, control group {cgroup}"


def _gpu(rows: Rows, gpu: GpuFigures) -> None:
    if not gpu.devices:
        rows.add("Driven", "none")
    for place, device in enumerate(gpu.devices):
        _device(rows, f"{_GPU}.devices.{place}", device)
    if not gpu.observed:
        rows.add("Observed", "none")
    for seen in gpu.observed:
        _observed(rows, f"{_GPU}.observed.{seen.address}", seen)


def _transfers(count: int) -> str:
    return "1 transfer" if count == 1 else f"{count} transfers"


def _device(rows: Rows, path: str, device: GpuDevice) -> None:
    def value(name: str, number: int | None, unit: str = "") -> str:
        return rows.value(f"{path}.{name}", number, size if unit == "bytes" else str)

    label = "Device" if device.number is None else f"GPU {device.number}"
    rows.add(label, f"{device.vendor_id}:{device.device_id}, {_state(device)}")
    to, back = (
        value("bytes_to", device.bytes_to, "bytes"),
        value("bytes_from", device.bytes_from, "bytes"),
    )
    rows.add("  to it", f"{_transfers(device.transfers_to)}, {to}")
    rows.add("  from it", f"{_transfers(device.transfers_from)}, {back}")
    rows.add("  launches", f"{device.launches}, queued {value('queued', device.queued)}")
    rows.add("  bounced", value("bounced_bytes", device.bounced_bytes, "bytes"))
    rows.add("  mapped", size(device.mapped_bytes))
    rows.add("  interrupts", value("interrupts", device.interrupts))
    rows.add("  timeouts", value("timeouts", device.timeouts))
    rows.add("  resets", value("resets", device.resets))


def _link(speed: float | None, width: int | None) -> str | None:
    return None if speed is None or width is None else f"{speed:g} GT/s x{width}"


def _observed(rows: Rows, path: str, seen: ObservedFunction) -> None:
    def link(name: str, now: tuple[float | None, int | None], most: str | None) -> str:
        words = _link(*now)
        if words is None:
            return rows.value(f"{path}.{name}", None)
        return words if most is None else f"{words}, at most {most}"

    def register(name: str, bits: int | None) -> str:
        return rows.value(f"{path}.{name}", bits, lambda b: f"0x{b:08x}" if b else "none")

    rows.add("Observed", f"{seen.address}  {seen.vendor_id}:{seen.device_id}")
    rows.more("  driver", f"{path}.driver", seen.driver)
    most = _link(seen.link_speed_max_gts, seen.link_width_max)
    rows.add("  link", link("link_speed_gts", (seen.link_speed_gts, seen.link_width), most))
    most = _link(seen.port_speed_max_gts, seen.port_width_max)
    rows.add("  port above", link("port_speed_gts", (seen.port_speed_gts, seen.port_width), most))
    rows.more("  NUMA node", f"{path}.numa_node", seen.numa_node)
    rows.more("  power state", f"{path}.power_state", seen.power_state)
    rows.add("  corrected", register("aer_correctable", seen.aer_correctable))
    rows.add("  not corrected", register("aer_uncorrectable", seen.aer_uncorrectable))
