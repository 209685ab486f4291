# SPDX-License-Identifier: Apache-2.0
"""The seal itself: whether dm-verity guards the root, and the root hash that was signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host import firmware, mounts, rootdevice, verity
from codex_agent.host.reading import Unreadable
from codex_agent.state.model import Findings

if TYPE_CHECKING:
    from codex_agent.host.root import Root


def compare(root: Root) -> Findings:
    """Compare what the kernel does with what the command line demands."""
    found = Findings("seal")
    device = rootdevice.find(root, mounts.host_table(root))
    state = verity.state(root, device)
    found.compared += 1
    if state.value is None:
        found.unreadable("dm-verity", state.reason or "its state is not known")
    elif state.value != "active":
        what = {"inactive": "it does not guard the root", "corrupted": "it has met a changed block"}
        found.differs("dm-verity", "changed", what[state.value])
    if state.value == "inactive":
        return found
    facts = verity.table(root, device)
    found.compared += 2
    if facts.value is None:
        found.unreadable("root hash", facts.reason or "the kernel does not tell it")
        return found
    try:
        named = verity.parse_cmdline(root.text(verity.CMDLINE))
    except (Unreadable, ValueError) as error:
        found.unreadable("root hash", f"the command line: {error}")
    else:
        if named != facts.value.root_hash:
            text = f"the kernel goes by {facts.value.root_hash}, the command line says {named}"
            found.differs("root hash", "changed", text)
    _signature(root, found, signed=facts.value.signed)
    return found


def _signature(root: Root, found: Findings, *, signed: bool) -> None:
    enforced = firmware.secure_boot(root)
    if enforced.value is None:
        if firmware.booted_by_efi(root):
            found.unreadable("Secure Boot", enforced.reason or "the firmware does not tell")
            return
        found.differs("Secure Boot", "missing", "this machine was started without EFI firmware")
    elif not enforced.value:
        found.differs("Secure Boot", "missing", "the firmware starts what nobody signed")
    elif not signed:
        text = "the kernel was given no signature of it, though Secure Boot is on"
        found.differs("root hash", "changed", text)
