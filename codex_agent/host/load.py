# SPDX-License-Identifier: Apache-2.0
"""Processors, memory and the time that tasks wait for them (pressure stall information)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_agent.host.model import Cpu, Io, Memory, Pressure, PressureShares
from codex_agent.host.text import cpu_list, decimal

if TYPE_CHECKING:
    from codex_agent.host.reading import Ledger, Reading
    from codex_agent.host.root import Root

MEMINFO = "/proc/meminfo"
_SHARES = re.compile(
    r"(some|full) avg10=([0-9.]{1,9}) avg60=([0-9.]{1,9}) avg300=([0-9.]{1,9}) total=[0-9]+",
    re.ASCII,
)


def parse_pressure(text: str) -> Pressure:
    """Return the shares in percent of a file below /proc/pressure."""
    found: dict[str, PressureShares] = {}
    for entry in text.strip().splitlines():
        match = _SHARES.fullmatch(entry.strip())
        if match is None:
            raise ValueError("a line is not one of pressure")
        shares = [decimal(match[index]) for index in (2, 3, 4)]
        if max(shares) > 100:
            raise ValueError("a share is above 100 percent")
        found[match[1]] = PressureShares(*shares)
    if "some" not in found:
        raise ValueError("the line 'some' is missing")
    return Pressure(found["some"], found.get("full"))


def parse_load(text: str) -> tuple[float, float, float]:
    """Return the three load averages of /proc/loadavg."""
    words = text.split()
    if len(words) < 3:
        raise ValueError("it has fewer than three figures")
    return decimal(words[0]), decimal(words[1]), decimal(words[2])


def parse_meminfo(text: str) -> dict[str, int]:
    """Return the entries of /proc/meminfo that are given in kB, as bytes."""
    entries = re.findall(r"^([A-Za-z_()0-9]+): +([0-9]{1,15}) kB$", text, re.ASCII | re.MULTILINE)
    return {name: int(value) * 1024 for name, value in entries}


def pressure(root: Root, what: str) -> Reading[Pressure]:
    """Read the pressure on ``cpu``, ``memory`` or ``io``."""
    return root.read(f"/proc/pressure/{what}", parse_pressure)


def read_cpu(root: Root, ledger: Ledger) -> Cpu:
    """Read count, load and pressure of the processors."""
    online = root.read("/sys/devices/system/cpu/online", cpu_list)
    return Cpu(
        count=ledger.note("cpu.count", online),
        load=ledger.note("cpu.load", root.read("/proc/loadavg", parse_load)),
        pressure=ledger.note("cpu.pressure", pressure(root, "cpu")),
    )


def read_memory(root: Root, ledger: Ledger) -> Memory:
    """Read size, what is available, and pressure of the main memory."""
    table = root.read(MEMINFO, parse_meminfo)

    def entry(name: str) -> Reading[int]:
        return table.then(lambda values: values.get(name), f"{MEMINFO} has no entry {name}")

    return Memory(
        total_bytes=ledger.note("memory.total_bytes", entry("MemTotal")),
        available_bytes=ledger.note("memory.available_bytes", entry("MemAvailable")),
        pressure=ledger.note("memory.pressure", pressure(root, "memory")),
    )


def read_io(root: Root, ledger: Ledger) -> Io:
    """Read the pressure on block devices."""
    return Io(pressure=ledger.note("io.pressure", pressure(root, "io")))
