# SPDX-License-Identifier: Apache-2.0
"""The kernel services as a part of the snapshot: their figures, and the check of each module."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from codex_agent.host.model import Check
from codex_agent.host.reading import Reading
from codex_agent.kernel.figures import KernelServices

if TYPE_CHECKING:
    from codex_agent.host.model import CheckState
    from codex_agent.host.reading import Ledger
    from codex_agent.kernel.figures import GpuFigures, KernelStats, ServiceStats
    from codex_agent.kernel.stats import Taken


def read(taken: Taken, ledger: Ledger) -> KernelServices:
    """Note where the figures come from, and why some are missing, and return them."""
    stats = taken.stats
    for service in fields(stats):
        found: ServiceStats = getattr(stats, service.name)
        path = f"services.{service.name}"
        ledger.note(path, Reading(None, found.source, taken.observed, found.reason))
        for part, reason in found.missing.items():
            ledger.note(f"{path}.{part}", Reading(None, found.source, taken.observed, reason))
    return KernelServices(
        scheduler=stats.scheduler.figures,
        memory=stats.memory.figures,
        gpu=stats.gpu.figures,
        tracing=stats.tracing.figures,
    )


def checks(stats: KernelStats, *, must: bool = False) -> list[Check]:
    """Judge the modules: one that this host should have and that does not answer degrades it.

    ``must``: kernel and modules came as one, so that a module which is not there makes it fail.
    """
    return [
        _module("ai-mem", "ai_mem", stats.memory, must=must),
        _devices(_module("ai-gpu", "ai_gpu", stats.gpu, must=must), stats.gpu.figures),
    ]


def _module(name: str, module: str, found: ServiceStats, *, must: bool) -> Check:
    bad: CheckState = "failed" if must else "degraded"
    if found.state == "active":
        return Check(name, "ok", f"The module {module} is loaded and answers.")
    reason = found.reason or "it was not read"
    sentence = f"{reason[0].upper()}{reason[1:]}."
    if found.state in ("absent", "not-needed"):
        return Check(name, "skipped", sentence)
    if found.state == "malformed":
        text = f"What the module {module} says is {reason}."
        return Check(name, bad, text, found.hint)
    if found.state == "unreadable":
        text = f"The state of the module {module} is not known: {reason}."
        return Check(name, "unknown", text, found.hint)
    return Check(name, bad, sentence, found.hint)


def _devices(check: Check, figures: GpuFigures | None) -> Check:
    """Judge the devices that a module drives which itself answers."""
    silent = [device for device in figures.devices if not device.active] if figures else []
    if not silent:
        return check
    names = ", ".join(f"{device.vendor_id}:{device.device_id}" for device in silent)
    noun = "1 device" if len(silent) == 1 else f"{len(silent)} devices"
    text = f"{noun} of ai_gpu gave no answer: {names}."
    return Check(check.name, "degraded", text, "journalctl -k --grep=ai_gpu")
