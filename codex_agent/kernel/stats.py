# SPDX-License-Identifier: Apache-2.0
"""How the kernel services stand: their figures, or why there are none and what to do.

``read()`` is what ``codex kernel stats`` and ``/api/kernel/stats`` show. Nothing here needs a
privilege; a service that is not there is told apart from one that should be and is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from codex_agent.host.reading import Unreadable
from codex_agent.host.root import Root
from codex_agent.host.text import line
from codex_agent.kernel import convert
from codex_agent.kernel.errors import Unavailable
from codex_agent.kernel.figures import GpuStats, KernelStats, MemoryStats, PlainStats
from codex_agent.kernel.proc.gpu import parse_gpu
from codex_agent.kernel.proc.memory import parse_memory
from codex_agent.kernel.proc.text import TEXT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.kernel.figures import State

T = TypeVar("T")

MODULES = "/usr/lib/modules"
#: Where packages and DKMS put modules that are not the kernel's own, below the kernel's release.
FOLDERS = ("updates/codex", "updates/dkms", "updates", "extra")
PCI = "/sys/bus/pci/devices"
_ID_FILES = ("vendor", "device")
#: Vendor and device in the module's own table; others are given to it by hand.
DRIVEN = (("0x1234", "0x11e8"),)
PACKAGE = "On a mutable host the package codex-kernel-dkms builds it."


@dataclass(frozen=True, slots=True)
class _Standing(Generic[T]):
    """What ``ServiceStats`` says, before it has an age."""

    state: State
    source: str
    reason: str | None = None
    hint: str | None = None
    figures: T | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """All services at monotonic time ``observed``; ages are counted when they are shown."""

    stats: KernelStats
    observed: float

    def shown(self, now: float) -> KernelStats:
        """Return the services with their age at monotonic time ``now``."""
        age = max(0, round((now - self.observed) * 1000))
        stats = self.stats
        return KernelStats(
            scheduler=replace(stats.scheduler, age_ms=age),
            memory=replace(stats.memory, age_ms=age),
            gpu=replace(stats.gpu, age_ms=age),
            tracing=replace(stats.tracing, age_ms=age),
        )


def read(root: Root | None = None) -> KernelStats:
    """Return how all kernel services stand now; never raises for one that is not there."""
    root = root or Root()
    return take(root).shown(root.monotonic())


def take(root: Root) -> Taken:
    """Read all services once."""
    observed = root.monotonic()
    scheduler = _service(root, "/proc/ai_scheduler", "ai_scheduler", _unknown)
    uids = _names_every_user(root)
    memory = _service(
        root,
        "/proc/ai_memory",
        "ai_mem",
        lambda data: convert.memory(parse_memory(data), all_users=uids),
    )
    gpu = _service(root, "/proc/ai_gpu", "ai_gpu", lambda data: convert.gpu(parse_gpu(data)))
    stats = KernelStats(
        scheduler=_plain(scheduler),
        memory=MemoryStats(
            state=memory.state,
            source=memory.source,
            age_ms=0,
            reason=memory.reason,
            hint=memory.hint,
            missing=convert.missing_of_memory(memory.figures) if memory.figures else {},
            figures=memory.figures,
        ),
        gpu=GpuStats(
            state=gpu.state,
            source=gpu.source,
            age_ms=0,
            reason=gpu.reason,
            hint=gpu.hint,
            missing=convert.missing_of_gpu(gpu.figures) if gpu.figures else {},
            figures=gpu.figures,
        ),
        tracing=_plain(_tracing()),
    )
    return Taken(stats, observed)


def _plain(found: _Standing[None]) -> PlainStats:
    return PlainStats(
        state=found.state,
        source=found.source,
        age_ms=0,
        reason=found.reason,
        hint=found.hint,
        missing={},
        figures=None,
    )


def _tracing() -> _Standing[None]:
    reason = "this version of the agent has no tracing service"
    return _Standing("absent", "codex-agent", reason)


def _unknown(_data: bytes) -> None:
    raise Unreadable("this version of the agent cannot read what ai_scheduler says")


def _service(root: Root, path: str, module: str, parse: Callable[[bytes], T]) -> _Standing[T]:
    """Read the file of a module; where it is not there, find out why."""
    try:
        return _Standing("active", path, figures=parse(root.data(path, TEXT_LIMIT)))
    except Unavailable as error:
        hint = f"Install the modules and the agent of one release: modinfo {module} tells which."
        return _Standing("malformed", path, error.reason, hint)
    except Unreadable as error:
        if not error.absent:
            return _Standing("unreadable", path, error.reason, f"ls -l {path}")
    return _silent(root, path, module)


def _silent(root: Root, path: str, module: str) -> _Standing[T]:
    if root.exists(f"/sys/module/{module}"):
        reason = f"the module {module} is loaded, but {path} does not exist"
        return _Standing("unanswered", path, reason, f"journalctl -k --grep={module}")
    try:
        release = running(root)
        found = installed(root, release, module)
        wanted = module != "ai_gpu" or drivable(root)
    except Unreadable as error:
        reason = f"whether the module {module} is installed is not known: {error.reason}"
        return _Standing("unreadable", path, reason, f"modinfo {module}")
    if found:
        reason = f"the module {module} is installed for kernel {release} and not loaded"
        if wanted:
            return _Standing("not-loaded", path, reason, f"sudo modprobe {module}")
        reason = f"{reason}, as no device that it drives is there"
        hint = f"sudo modprobe {module} lets it observe the devices of other drivers."
        return _Standing("not-needed", path, reason, hint)
    reason = f"the module {module} is not installed for kernel {release}"
    return _Standing("absent", path, reason, PACKAGE if module != "ai_scheduler" else None)


def running(root: Root) -> str:
    """Return the release of the running kernel, or raise ``Unreadable``."""
    path = "/proc/sys/kernel/osrelease"
    try:
        release = line(root.text(path))
    except ValueError as error:
        raise Unreadable(f"{path} has unexpected content: {error}") from None
    if "/" in release:
        raise Unreadable(f"{path} has unexpected content: it is not the name of a release")
    return release


def installed(root: Root, release: str, module: str) -> bool:
    """Say whether a module of ours is there for a kernel, or raise ``Unreadable``."""
    wanted = re.compile(rf"{module}\.ko(\.(gz|xz|zst))?")
    for folder in FOLDERS:
        try:
            names = root.names(f"{MODULES}/{release}/{folder}")
        except Unreadable as error:
            # A folder that may not be looked into could hold it.
            if error.absent:
                continue
            raise
        if any(wanted.fullmatch(name) for name in names):
            return True
    return False


def drivable(root: Root) -> bool:
    """Say whether there is a device for which udev loads ai_gpu, or raise ``Unreadable``."""
    try:
        addresses = root.names(PCI)
    except Unreadable as error:
        if error.absent:
            return False
        raise
    for address in addresses:
        try:
            ids = tuple(root.text(f"{PCI}/{address}/{name}").strip() for name in _ID_FILES)
        except Unreadable as error:
            # It was unplugged in between.
            if error.absent:
                continue
            raise
        if ids in DRIVEN:
            return True
    return False


def _names_every_user(root: Root) -> bool:
    """Say whether every user of the host has an id here: not so in a user namespace."""
    try:
        return root.text("/proc/self/uid_map").split() == ["0", "0", "4294967295"]
    except Unreadable:
        return False
