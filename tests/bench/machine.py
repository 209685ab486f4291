# SPDX-License-Identifier: Apache-2.0
"""Describes the machine without naming it."""

import os
import platform
import re
from pathlib import Path
from typing import Any

from builder.paths import Paths


def describe(paths: Paths) -> dict[str, Any]:
    """Processor, memory, systems and accelerator of guests; what cannot be read is None."""
    accelerator = paths.build / "accelerator"
    words = accelerator.read_text().split() if accelerator.exists() else []
    return {
        "processor": _first("/proc/cpuinfo", r"^model name\s*:\s*(.+)$"),
        "cores": os.cpu_count(),
        "memory_mib": int(_first("/proc/meminfo", r"^MemTotal:\s*(\d+) kB$") or 0) >> 10 or None,
        "system": _first("/etc/os-release", r'^PRETTY_NAME="?([^"\n]+)"?$'),
        "kernel": platform.release(),
        "guests_run_by": words[1] if len(words) == 2 else None,
    }


def load() -> list[float]:
    """Load averages of 1, 5 and 15 minutes: above the cores, times are upper bounds."""
    return [round(value, 2) for value in os.getloadavg()]


def processor_seconds(pid: int, proc: Path = Path("/proc")) -> float:
    """User and system time of a process with all its threads (proc(5), fields 14 and 15)."""
    fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _first(path: str, pattern: str) -> str | None:
    try:
        found = re.search(pattern, Path(path).read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return None
    return found[1].strip() if found else None
