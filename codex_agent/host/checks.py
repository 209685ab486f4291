# SPDX-License-Identifier: Apache-2.0
"""The verdict: checks, each with one sentence, and the state that they amount to.

A check that could not be made leaves the verdict open wherever its outcome would change it: the
verdict is then ``unknown`` and never ``healthy``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_agent.host import probes, services
from codex_agent.host.model import Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_agent.host.model import CheckState, HostSnapshot, VerdictState
    from codex_agent.kernel.figures import KernelStats
    from codex_agent.problem import Problem

_RANK: dict[VerdictState, int] = {"healthy": 0, "degraded": 1, "failed": 2}
_STARTING = ("initializing", "starting")
_SHOWN = 5  # names in a sentence
_NO_ROOM_BYTES = 1024 * 1024  # with less than this left nothing can be relied on to be written


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the checks need beside the readings.

    ``settled`` is set by the health gate, which runs as part of the start that it judges and has
    seen for itself that nothing else is queued. ``agent`` is the outcome of asking the service,
    ``probed`` what was asked beside the snapshot.
    """

    efi: bool
    manager_state: str | None
    disk_free_percent_min: float
    problems: Sequence[Problem]
    agent: Check
    services: KernelStats
    settled: bool = False
    probed: Sequence[Check] = ()


def verdict(checks: list[Check]) -> Verdict:
    """Return the state that all checks together leave possible; several possible: unknown.

    Only a check that gates can make it worse than degraded.
    """
    low = high = _RANK["healthy"]
    for check in checks:
        worst = _RANK["failed" if check.gates else "degraded"]
        if check.state == "failed":
            low = max(low, worst)
        elif check.state == "degraded":
            low = max(low, _RANK["degraded"])
        elif check.state == "unknown":
            high = max(high, worst)
    high = max(low, high)
    state: VerdictState = "unknown"
    for name, rank in _RANK.items():
        if low == high == rank:
            state = name
    return Verdict(state, checks)


def judge(host: HostSnapshot, around: Circumstances) -> Verdict:
    """Return the verdict on a snapshot (whose own verdict is ignored)."""
    made = [
        root_verity(host),
        secure_boot(host, around.efi),
        lockdown(host),
        failed_units(host, around),
        disk_space(host, around.disk_free_percent_min),
        # Without Secure Boot the kernel refuses our modules; that is a state of the machine.
        *services.checks(around.services, must=bool(host.delivery == "image" and host.secure_boot)),
        configuration(around.problems),
        around.agent,
    ]
    found = [*map(probes.marked, made), *around.probed]
    return verdict([replace(check, on_trial=probes.on_trial(check)) for check in found])


def _reason(host: HostSnapshot, path: str) -> str:
    entry = host.readings.get(path)
    return (entry.reason if entry else None) or "it was not read"


def _delivery_open(host: HostSnapshot, name: str) -> Check | None:
    """Return the outcome of a check that only images have to pass, where that settles it."""
    if host.delivery is None:
        why = _reason(host, "delivery")
        return Check(name, "unknown", f"Whether this host is an image is not known: {why}.")
    return None


def root_verity(host: HostSnapshot) -> Check:
    """Judge the seal of the root file system."""
    name = "root-verity"
    if (found := _delivery_open(host, name)) is not None:
        return found
    if host.delivery == "host":
        return Check(name, "skipped", "A mutable host has no sealed root file system.")
    state = host.verity.state
    if state == "active":
        return Check(name, "ok", "dm-verity guards the root file system.")
    if state == "corrupted":
        hint = "Boot the other slot and write this one anew."
        return Check(name, "failed", "dm-verity has met corrupted blocks of the root.", hint)
    if state == "inactive":
        hint = "Boot the signed image; this root file system is not protected."
        return Check(name, "failed", "The root file system is not under dm-verity.", hint)
    why = _reason(host, "verity.state")
    return Check(name, "unknown", f"The state of dm-verity is not known: {why}.")


def secure_boot(host: HostSnapshot, efi: bool) -> Check:
    """Judge Secure Boot, which only firmware with EFI can have."""
    name = "secure-boot"
    if host.secure_boot is True:
        return Check(name, "ok", "Secure Boot is on.")
    if (found := _delivery_open(host, name)) is not None:
        return found
    if host.delivery == "host":
        return Check(name, "skipped", "A mutable host is not required to use Secure Boot.")
    if not efi:
        return Check(name, "skipped", "The kernel was started directly, without EFI firmware.")
    if host.secure_boot is False:
        hint = "Enrol the keys of this image in the firmware and switch Secure Boot on."
        return Check(name, "degraded", "Secure Boot is off.", hint)
    why = _reason(host, "secure_boot")
    return Check(name, "unknown", f"The state of Secure Boot is not known: {why}.")


def lockdown(host: HostSnapshot) -> Check:
    """Judge the lockdown mode of the kernel."""
    name = "lockdown"
    if host.lockdown in ("integrity", "confidentiality"):
        return Check(name, "ok", f"The kernel is locked down ({host.lockdown}).")
    if (found := _delivery_open(host, name)) is not None:
        return found
    if host.delivery == "host":
        return Check(name, "skipped", "A mutable host is not required to lock its kernel down.")
    if host.lockdown == "none":
        hint = "Boot with Secure Boot on, or with lockdown=integrity."
        return Check(name, "degraded", "The kernel is not locked down.", hint)
    return Check(name, "unknown", f"The lockdown mode is not known: {_reason(host, 'lockdown')}.")


def failed_units(host: HostSnapshot, around: Circumstances) -> Check:
    """Judge whether systemd could start all that it should."""
    name = "failed-units"
    failed = host.units.failed
    if failed is None:
        why = _reason(host, "units.failed")
        return Check(name, "unknown", f"Failed units are not known: {why}.")
    if failed:
        shown = ", ".join(failed[:_SHOWN]) + (", …" if len(failed) > _SHOWN else "")
        noun = "1 unit" if len(failed) == 1 else f"{len(failed)} units"
        hint = f"systemctl status {failed[0]}"
        return Check(name, "degraded", f"{noun} failed: {shown}.", hint)
    if around.manager_state in _STARTING and not around.settled:
        return Check(name, "unknown", "The host is still starting.")
    return Check(name, "ok", "No unit has failed.")


def disk_space(host: HostSnapshot, percent_min: float) -> Check:
    """Judge the room on file systems that can be written to."""
    name = "disk-space"
    if host.filesystems is None:
        why = _reason(host, "filesystems")
        return Check(name, "unknown", f"The file systems are not known: {why}.")
    measured = 0
    full: list[str] = []
    no_room = False
    for entry in host.filesystems:
        if entry.read_only or not entry.total_bytes or entry.available_bytes is None:
            continue
        measured += 1
        free = 100 * entry.available_bytes / entry.total_bytes
        if free < percent_min:
            full.append(f"{entry.mount} has {free:.1f} % left")
        if entry.mount in ("/", "/var"):
            no_room = no_room or entry.available_bytes < _NO_ROOM_BYTES
    if full:
        hint = f"Free some space; at least {percent_min:g} % should be left."
        text = f"Space runs out: {', '.join(full[:_SHOWN])}."
        return Check(name, "failed" if no_room else "degraded", text, hint)
    if not measured:
        return Check(name, "unknown", "No file system that can be written to could be measured.")
    return Check(name, "ok", f"At least {percent_min:g} % is left on {measured} file system(s).")


def configuration(problems: Sequence[Problem]) -> Check:
    """Judge the configuration: all layers, and what a person gave to this host."""
    name = "configuration"
    if not problems:
        return Check(
            name, "ok", "Every configuration file and credential that may be read is valid."
        )
    first = problems[0]
    others = len(problems) - 1
    more = f" ({others} more: codex config check)" if others else ""
    return Check(name, "failed", first.message + more, first.hint)


def outcome(state: CheckState, message: str, hint: str | None = None) -> Check:
    """Return the outcome of asking the service."""
    return Check("agent", state, message, hint)


def with_verdict(host: HostSnapshot, around: Circumstances) -> HostSnapshot:
    """Return the snapshot with its verdict."""
    return replace(host, verdict=judge(host, around))
