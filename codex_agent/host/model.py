# SPDX-License-Identifier: Apache-2.0
"""What a host says about itself: the shape of ``/api/host`` and of ``codex status --json``.

Sizes are bytes, times seconds unless the name says ms, link speeds GT/s. A field that could not be
read is None; ``HostSnapshot.readings`` has the reason under the field's dotted path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from codex_agent.kernel.figures import KernelServices  # noqa: TC001 - read when routes are made

CheckState = Literal["ok", "degraded", "failed", "unknown", "skipped"]
VerdictState = Literal["healthy", "degraded", "failed", "unknown"]
VerityState = Literal["active", "corrupted", "inactive"]
Lockdown = Literal["none", "integrity", "confidentiality"]
Delivery = Literal["image", "host"]
Slot = Literal["A", "B"]
BootOutcome = Literal["failed", "unknown", "no-verdict"]
PciKind = Literal["display", "accelerator"]


@dataclass(frozen=True, slots=True)
class Image:
    """Identity of the image that the host was booted from (os-release)."""

    id: str
    version: str
    flavour: str | None
    commit: str | None


@dataclass(frozen=True, slots=True)
class Verity:
    """Integrity of the root file system by dm-verity."""

    state: VerityState | None
    root_hash: str | None
    signed: bool | None


@dataclass(frozen=True, slots=True)
class Kernel:
    """The running kernel; ``taint`` is the bit mask of /proc/sys/kernel/tainted."""

    release: str | None
    version: str | None
    taint: int | None
    modules_signed_enforced: bool | None


@dataclass(frozen=True, slots=True)
class Firmware:
    """The firmware as DMI names it."""

    vendor: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine as DMI names it; ``virtualization`` as systemd sees it, ``none`` on metal."""

    vendor: str | None
    product: str | None
    virtualization: str | None


@dataclass(frozen=True, slots=True)
class PressureShares:
    """Share of time in percent that tasks waited, over the last 10, 60 and 300 s."""

    avg10: float
    avg60: float
    avg300: float


@dataclass(frozen=True, slots=True)
class Pressure:
    """Pressure stall information: ``some`` tasks waited, ``full``: all of them did."""

    some: PressureShares
    full: PressureShares | None


@dataclass(frozen=True, slots=True)
class Cpu:
    """Processors online, load averages over 1, 5 and 15 minutes, pressure."""

    count: int | None
    load: tuple[float, float, float] | None
    pressure: Pressure | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory; ``available_bytes`` is the kernel's estimate without swapping."""

    total_bytes: int | None
    available_bytes: int | None
    pressure: Pressure | None


@dataclass(frozen=True, slots=True)
class Io:
    """Pressure of all block devices together."""

    pressure: Pressure | None


@dataclass(frozen=True, slots=True)
class Disk:
    """A physical or virtual disk, not a partition."""

    name: str
    model: str | None
    size_bytes: int | None
    rotational: bool | None
    read_only: bool | None


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A mounted file system that keeps data."""

    mount: str
    source: str
    type: str
    read_only: bool
    total_bytes: int | None
    available_bytes: int | None


@dataclass(frozen=True, slots=True)
class PciFunction:
    """A display controller or processing accelerator on PCI; identifiers are bare hex digits."""

    address: str
    vendor_id: str | None
    device_id: str | None
    class_id: str = field(metadata={"json": "class"})
    kind: PciKind
    driver: str | None
    link_speed_gts: float | None
    link_speed_max_gts: float | None
    link_width: int | None
    link_width_max: int | None
    numa_node: int | None
    power_state: str | None


@dataclass(frozen=True, slots=True)
class Units:
    """Names of the systemd units that failed."""

    failed: list[str] | None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was judged: a sentence, and what to do where that is known.

    ``gates``: where it fails, or is not known, a boot is not a good one. ``on_trial``: the
    same for a version that was not found good before.
    """

    name: str
    state: CheckState
    message: str
    hint: str | None = None
    gates: bool = False
    on_trial: bool = False


@dataclass(frozen=True, slots=True)
class BootReason:
    """What was not right with a boot: the name of a check and its sentence."""

    check: str
    message: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A version that was started here and whose last boot was not a good one.

    ``boots`` of it were bad, the last at ``last_at`` by the host's clock; ``no-verdict``: that one
    ended before anything could be said, as when it hangs or loses its power.
    """

    version: str
    boots: int
    last_at: str
    outcome: BootOutcome
    reasons: list[BootReason]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all checks say together."""

    state: VerdictState
    checks: list[Check]


@dataclass(frozen=True, slots=True)
class ReadingInfo:
    """Source and age of one value, and the reason where it is null."""

    source: str
    age_ms: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class HostSnapshot:
    """All that the agent knows about its host at one time (``taken_at``: RFC 3339, UTC)."""

    schema: int
    taken_at: str
    hostname: str | None
    delivery: Delivery | None
    image: Image | None
    slot: Slot | None
    verity: Verity
    secure_boot: bool | None
    lockdown: Lockdown | None
    kernel: Kernel
    firmware: Firmware
    machine: Machine
    uptime_s: float | None
    boot_id: str | None
    cpu: Cpu
    memory: Memory
    io: Io
    disks: list[Disk] | None
    filesystems: list[Filesystem] | None
    pci: list[PciFunction] | None
    services: KernelServices
    units: Units
    given_up: list[GivenUp] | None
    verdict: Verdict
    readings: dict[str, ReadingInfo]
