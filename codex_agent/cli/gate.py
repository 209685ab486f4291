# SPDX-License-Identifier: Apache-2.0
"""The health gate: waits until the host has started, then says in one line what became of it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.cli.collect import collect
from codex_agent.host import boots, checks, probes, systemd
from codex_agent.host.model import Check
from codex_agent.host.reading import Unreadable
from codex_agent.problem import shown

if TYPE_CHECKING:
    from codex_agent.host.model import HostSnapshot
    from codex_agent.host.root import Root
    from codex_agent.host.systemd import Conversation

PAUSE_S = 2.0
_SHOWN = 3


def own_unit(cgroup: str) -> str | None:
    """Return the unit that a process is part of, from the content of its cgroup file."""
    for entry in cgroup.splitlines():
        hierarchy, _, path = entry.partition("::")
        if hierarchy == "0":
            names = [name for name in path.split("/") if name.endswith(".service")]
            return names[-1] if names else None
    return None


def queued(manager: Conversation, unit: str | None) -> list[str]:
    """Return the units whose jobs this host still has to do, apart from what waits for us.

    The gate is itself a job of the start, and others (boot-complete.target, blessing the boot) wait
    for it: those can never end before it and are left out.
    """
    jobs = manager.jobs()
    ours = {job.id for job in jobs if job.unit == unit}
    reached, todo = set(ours), list(ours)
    while todo:
        for waiting in manager.waiting_for(todo.pop()):
            if waiting not in reached:
                reached.add(waiting)
                todo.append(waiting)
    return sorted(job.unit for job in jobs if job.id not in reached)


def wait(root: Root, timeout_s: float) -> HostSnapshot:
    """Wait for at most ``timeout_s`` until nothing is queued and the verdict is known.

    What is not known by then stays ``unknown``, with what was waited for in the check's sentence.
    """
    unit = own_unit(Path("/proc/self/cgroup").read_text(encoding="utf-8"))
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            with systemd.conversation(root) as manager:
                left = queued(manager, unit)
            reason = f"still starting: {', '.join(left[:_SHOWN])}" if left else None
        except Unreadable as error:
            reason = error.reason
        if reason is None:
            host = collect(root, settled=True).shown(root.monotonic())
            if host.verdict.state != "unknown" or time.monotonic() >= deadline:
                return host
        elif time.monotonic() >= deadline:
            return unsettled(collect(root).shown(root.monotonic()), reason, timeout_s)
        time.sleep(max(0.0, min(PAUSE_S, deadline - time.monotonic())))


def unsettled(host: HostSnapshot, reason: str, timeout_s: float) -> HostSnapshot:
    """Return the snapshot with the verdict that a host deserves which did not finish starting."""
    message = f"The host did not finish starting within {timeout_s:.0f} s ({reason})."
    return _with(host, Check("failed-units", "unknown", message, "systemctl list-jobs", gates=True))


def given_up(host: HostSnapshot, why: str) -> HostSnapshot:
    """Return the snapshot with the verdict on a start that somebody else has ended."""
    return _with(host, Check("failed-units", "failed", why, "systemctl --failed", gates=True))


def on_trial(host: HostSnapshot) -> HostSnapshot:
    """Return the snapshot with the verdict of a version that has not been found good before."""
    made = [replace(check, gates=probes.on_trial(check)) for check in host.verdict.checks]
    return replace(host, verdict=checks.verdict(made))


def _with(host: HostSnapshot, judged: Check) -> HostSnapshot:
    # It gates here: else something that degrades the host would settle the verdict of a boot that
    # hangs, and the boot would count as good.
    # And it stands first: a start that was cut off leaves much unknown that is not why.
    others = [check for check in host.verdict.checks if check.name != "failed-units"]
    return replace(host, verdict=checks.verdict([judged, *others]))


def line(host: HostSnapshot) -> str:
    """Return the verdict and what it stands on as one line of words."""

    def word(value: str | None) -> str:
        return value if value is not None else "unavailable"

    secure_boot = None if host.secure_boot is None else ("yes" if host.secure_boot else "no")
    words = [
        f"codex-verdict: {host.verdict.state}",
        f"version={word(host.image.version if host.image else None)}",
        f"slot={word(host.slot)}",
        f"verity={word(host.verity.state)}",
        f"secure-boot={word(secure_boot)}",
    ]
    bad = [c.name for c in host.verdict.checks if c.state not in ("ok", "skipped")]
    if bad:
        words.append(f"because={','.join(bad)}")
    return shown(" ".join(words))


def reasons(host: HostSnapshot) -> list[str]:
    """Return a line for each check that stands against this boot, for the journal."""
    if host.verdict.state in boots.GOOD:
        return []
    bad = boots.against(host.verdict.checks)
    return [shown(f"codex-reason: {check.name}: {check.message}") for check in bad]
