# SPDX-License-Identifier: Apache-2.0
"""The running kernel: release, taint, lockdown, module signatures, uptime, boot id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from codex_agent.host.model import Kernel, Lockdown
from codex_agent.host.reading import Reading
from codex_agent.host.text import count, decimal, flag, line, selected

if TYPE_CHECKING:
    from codex_agent.host.reading import Ledger
    from codex_agent.host.root import Root

LOCKDOWN = "/sys/kernel/security/lockdown"
SIG_ENFORCE = "/sys/module/module/parameters/sig_enforce"


def hostname(root: Root) -> Reading[str]:
    """Read the name that the kernel holds for this host."""
    return root.read("/proc/sys/kernel/hostname", line)


def uptime(root: Root) -> Reading[float]:
    """Read the seconds since the kernel started."""
    return root.read("/proc/uptime", lambda text: decimal(text.split()[0] if text.split() else ""))


def boot_id(root: Root) -> Reading[str]:
    """Read the identifier that the kernel drew for this boot."""

    def parse(text: str) -> str:
        value = text.strip()
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value, re.ASCII):
            raise ValueError("it is not a boot id")
        return value

    return root.read("/proc/sys/kernel/random/boot_id", parse)


def lockdown(root: Root) -> Reading[Lockdown]:
    """Read the lockdown mode of the kernel."""

    def parse(text: str) -> Lockdown:
        word = selected(text)
        for mode in get_args(Lockdown):
            if word == mode:
                return mode  # type: ignore[no-any-return]
        raise ValueError(f"the mode {word} is not known")

    return root.read(LOCKDOWN, parse)


def modules_signed(root: Root, locked: Reading[Lockdown]) -> Reading[bool]:
    """Say whether the kernel refuses modules without a valid signature.

    Either switch is enough: the parameter ``sig_enforce``, or any lockdown mode.
    """
    if locked.value in ("integrity", "confidentiality"):
        return Reading(True, locked.source, locked.observed)
    enforce = root.read(SIG_ENFORCE, flag)
    if enforce.value is False and locked.value is None:
        reason = f"sig_enforce is off, and {locked.reason}"
        return Reading(None, f"{SIG_ENFORCE}, {LOCKDOWN}", enforce.observed, reason)
    return enforce


def read(root: Root, locked: Reading[Lockdown], ledger: Ledger) -> Kernel:
    """Read what identifies the kernel and what it enforces."""
    return Kernel(
        release=ledger.note("kernel.release", root.read("/proc/sys/kernel/osrelease", line)),
        version=ledger.note("kernel.version", root.read("/proc/sys/kernel/version", line)),
        taint=ledger.note("kernel.taint", root.read("/proc/sys/kernel/tainted", count)),
        modules_signed_enforced=ledger.note(
            "kernel.modules_signed_enforced", modules_signed(root, locked)
        ),
    )
