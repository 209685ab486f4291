# SPDX-License-Identifier: Apache-2.0
"""Finds in a kernel log what no healthy run may hold."""

from __future__ import annotations

import re

#: Each of these makes a boot fail, whatever the cases said.
_SIGNS = (
    r"\bWARNING:",
    r"\bBUG:",
    r"\bkernel BUG at",
    r"\bOops\b",
    r"\bKASAN\b(?!.*\binitialized)",
    r"\bUBSAN\b",
    r"general protection fault",
    r"unable to handle",
    r"double fault",
    r"Kernel panic",
    r"Call Trace:",
    r"INFO: (?:possible|task|trying|rcu|inconsistent|lockdep)",
    r"rcu: INFO",
    r"detected stall",
    r"possible (?:circular|recursive) locking",
    r"inconsistent lock state",
    r"lockdep is turned off",
    r"suspicious RCU",
    r"sleeping function called",
    r"scheduling while atomic",
    r"held lock freed",
    r"soft lockup",
    r"hard LOCKUP",
    r"Bad page (?:state|map)",
    r"page allocation failure",
    r"refcount_t:",
    r"list_(?:add|del) corruption",
    r"ODEBUG:",
    r"DMA-API: (?!preallocated|debugging)",
    r"\bDMAR:.*\bfault\b",
    r"kmemleak: \d+ new",
    r"swiotlb buffer is full",
    r"overflow 0x[0-9a-f]+\+\d+ of DMA mask",
    r"nobody cared",
    r"Slab corruption",
    r"Poison overwritten",
    r"Object already free",
    r"Unknown symbol",
    r"disagrees about version",
    r"sysfs: cannot create duplicate",
    r"Out of memory:",
)
TROUBLE = re.compile("|".join(_SIGNS))

#: A lockdep report of the kernel's own hot-plug code, which takes these two locks in both orders
#: whoever drives the device in the slot. One with a line of our modules in it is none of these.
_HOT_PLUG = re.compile(
    r"^[^\n]*WARNING: possible circular locking dependency detected\n"
    r"(?:(?![^\n]*(?:</TASK>|\[ai_))[^\n]*\n)*?[^\n]*reset_lock[^\n]* at: pciehp_unconfigure_device"
    r"(?:(?![^\n]*(?:</TASK>|\[ai_))[^\n]*\n)*?[^\n]*pci_rescan_remove_lock[^\n]*"
    r"(?:(?![^\n]*(?:</TASK>|\[ai_))[^\n]*\n)*[^\n]*</TASK>[^\n]*\n",
    re.MULTILINE,
)


def trouble(log: str) -> list[str]:
    """Every line of trouble, with the ten lines that follow the first of them."""
    lines = _HOT_PLUG.sub("", log.replace("\r", "")).splitlines()
    found = [n for n, line in enumerate(lines) if TROUBLE.search(line)]
    if not found:
        return []
    first = lines[found[0] : found[0] + 40]
    rest = [lines[n] for n in found if n >= found[0] + 40]
    return first + rest[:60]
