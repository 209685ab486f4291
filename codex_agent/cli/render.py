# SPDX-License-Identifier: Apache-2.0
"""A snapshot as plain aligned text."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from codex_agent.cli import services
from codex_agent.cli.rows import Rows, size
from codex_agent.problem import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.host.model import Disk, Filesystem, HostSnapshot, PciFunction, Pressure

T = TypeVar("T")

_NAME = 15
_STATE = 9


def duration(seconds: float) -> str:
    """Return seconds as days, hours, minutes and seconds without leading zeros."""
    whole = int(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min")]
    text = [f"{value} {unit}" for value, unit in parts if value]
    return " ".join([*text, f"{whole % 60} s"])


def yes_no(value: bool) -> str:
    """Return a truth value as a word."""
    return "yes" if value else "no"


def pressure(value: Pressure) -> str:
    """Return the shares of time that some and all tasks waited."""
    text = f"{value.some.avg10:.1f} % some"
    if value.full is not None:
        text += f", {value.full.avg10:.1f} % full"
    return f"{text} (10 s)"


def text(host: HostSnapshot, *, colour: bool = False) -> str:
    """Return the whole snapshot as text without a newline at its end."""
    reasons = {path: entry.reason for path, entry in host.readings.items() if entry.reason}
    rows = Rows(reasons, colour=colour)
    rows.add("Verdict", rows.state(host.verdict.state))
    for check in host.verdict.checks:
        message = shown(check.message)
        rows.add("", f"{rows.state(check.state, _STATE)} {check.name:<{_NAME}} {message}")
        if check.hint and check.state not in ("ok", "skipped"):
            rows.add("", f"{'':<{_STATE}} {'':<{_NAME}} hint: {shown(check.hint)}")
    rows.lines.append("")
    _identity(rows, host)
    rows.lines.append("")
    _seal(rows, host)
    rows.lines.append("")
    _machine(rows, host)
    rows.lines.append("")
    _lists(rows, host)
    rows.lines.append("")
    services.summary(rows, host.services)
    return "\n".join(rows.lines)


def _identity(rows: Rows, host: HostSnapshot) -> None:
    rows.more("Host", "hostname", host.hostname)
    if host.delivery == "host":
        rows.add("Delivery", "mutable host")
    else:
        rows.more(
            "Image",
            "image",
            host.image,
            lambda i: f"{i.id} {i.version}, flavour {i.flavour or '-'}, commit {i.commit or '-'}",
        )
    rows.more("Slot", "slot", host.slot)
    _given_up(rows, host)
    rows.more("Up for", "uptime_s", host.uptime_s, duration)
    rows.more("Failed units", "units.failed", host.units.failed, lambda f: ", ".join(f) or "none")


def _given_up(rows: Rows, host: HostSnapshot) -> None:
    """Say which version was started here and why it is not the one that runs."""
    if host.given_up is None:
        rows.more("Given up", "given_up", None)
    for entry in host.given_up or []:
        noun = "1 boot" if entry.boots == 1 else f"{entry.boots} boots"
        last = "without a verdict" if entry.outcome == "no-verdict" else entry.outcome
        text = f"{entry.version} after {noun}, the last {last} ({entry.last_at})"
        rows.add("Given up", shown(text))
        for reason in entry.reasons:
            rows.add("", shown(f"{reason.check}: {reason.message}"))


def _seal(rows: Rows, host: HostSnapshot) -> None:
    rows.more("dm-verity", "verity.state", host.verity.state)
    rows.more("Root hash", "verity.root_hash", host.verity.root_hash)
    rows.more("Root signed", "verity.signed", host.verity.signed, yes_no)
    rows.more("Secure Boot", "secure_boot", host.secure_boot, lambda on: "on" if on else "off")
    rows.more("Lockdown", "lockdown", host.lockdown)
    rows.more("Kernel", "kernel.release", host.kernel.release)
    path = "kernel.modules_signed_enforced"
    rows.more("Signed modules", path, host.kernel.modules_signed_enforced, yes_no)
    rows.more("Taint", "kernel.taint", host.kernel.taint)


def _machine(rows: Rows, host: HostSnapshot) -> None:
    machine, memory, cpu = host.machine, host.memory, host.cpu
    rows.more("Machine", "machine.vendor", machine.vendor)
    rows.more("Product", "machine.product", machine.product)
    rows.more("Virtualization", "machine.virtualization", machine.virtualization)
    rows.more("Firmware", "firmware.vendor", host.firmware.vendor)
    rows.more("", "firmware.version", host.firmware.version)
    rows.more("Processors", "cpu.count", cpu.count)
    rows.more("Load", "cpu.load", cpu.load, lambda load: " ".join(f"{v:.2f}" for v in load))
    rows.more("CPU pressure", "cpu.pressure", cpu.pressure, pressure)
    total = rows.value("memory.total_bytes", memory.total_bytes, size)
    available = rows.value("memory.available_bytes", memory.available_bytes, size)
    rows.add("Memory", f"{total} total, {available} available")
    rows.more("Memory pressure", "memory.pressure", memory.pressure, pressure)
    rows.more("I/O pressure", "io.pressure", host.io.pressure, pressure)


def _lists(rows: Rows, host: HostSnapshot) -> None:
    def disk(entry: Disk) -> str:
        path = f"disks.{entry.name}"
        model = rows.value(f"{path}.model", entry.model)
        return f"{entry.name}  {rows.value(f'{path}.size_bytes', entry.size_bytes, size)}  {model}"

    def filesystem(entry: Filesystem) -> str:
        head = f"{entry.mount}  {entry.type} {'ro' if entry.read_only else 'rw'}"
        path = f"filesystems.{entry.mount}"
        if entry.total_bytes is None or entry.available_bytes is None:
            return f"{head}  {rows.value(f'{path}.total_bytes', None)}"
        return f"{head}  {size(entry.available_bytes)} of {size(entry.total_bytes)} available"

    def function(entry: PciFunction) -> str:
        path = f"pci.{entry.address}"
        names = (
            rows.value(f"{path}.vendor_id", entry.vendor_id),
            rows.value(f"{path}.device_id", entry.device_id),
        )
        driver = rows.value(f"{path}.driver", entry.driver)
        width = rows.value(f"{path}.link_width", entry.link_width, lambda lanes: f"x{lanes}")
        speed = rows.value(
            f"{path}.link_speed_gts", entry.link_speed_gts, lambda gts: f"{gts:g} GT/s"
        )
        node = rows.value(f"{path}.numa_node", entry.numa_node)
        head = f"{entry.address}  {entry.kind} {':'.join(names)}"
        return f"{head}  driver {driver}, link {speed} {width}, NUMA node {node}"

    _list(rows, "Disks", "disks", host.disks, disk)
    _list(rows, "File systems", "filesystems", host.filesystems, filesystem)
    _list(rows, "Display, compute", "pci", host.pci, function)


def _list(
    rows: Rows, label: str, path: str, entries: list[T] | None, form: Callable[[T], str]
) -> None:
    if entries is None:
        rows.more(label, path, None)
    elif not entries:
        rows.add(label, "none")
    for index, entry in enumerate(entries or []):
        rows.add("" if index else label, shown(form(entry)))
