# SPDX-License-Identifier: Apache-2.0
"""Kernel modules that are loaded and that the version does not have, or that are not signed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable

if TYPE_CHECKING:
    from collections.abc import Collection

    from codex_agent.host.model import Delivery
    from codex_agent.host.root import Root
    from codex_agent.state.model import Findings

LOADED = "/proc/modules"
TAINTED = "/proc/sys/kernel/tainted"
RELEASE = "/proc/sys/kernel/osrelease"
# Not from the kernel's source, which taints it; signed by the key of the build.
OURS = frozenset({"ai_mem", "ai_gpu"})
# Bits of the kernel's taint that somebody's deed sets; the others tell of faults (admin-guide).
_DEEDS = {
    0: "a module under a proprietary licence was loaded",
    1: "a module was loaded by force",
    3: "a module was removed by force",
    13: "a module without a good signature was loaded",
    15: "the kernel was patched while it ran",
}
_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9_]+) \d+ \S+ \S+ \S+ \S+(?: \((?P<taint>[A-Z+-]+)\))?", re.ASCII
)
_LIMIT = 4 * 1024 * 1024
_UNSIGNED = 13
# Below the folder of a kernel: where Debian's DKMS installs what it has compiled.
_DKMS = "updates/dkms/"
_FLAGS = {"P": "proprietary", "O": "not from the kernel's source", "F": "loaded by force",
          "E": "not signed by a key that the kernel has", "C": "of the staging tree"}  # fmt: skip


def compare(root: Root, found: Findings, delivery: Delivery | None = None) -> None:
    """Compare what is loaded with what the version has.

    A host that compiles modules signs them by a key of its own (``verify.HOST``): that the kernel
    does not have it is no difference there, if they are those that DKMS keeps.
    """
    found.compared += 1
    try:
        lines = root.text(LOADED, _LIMIT).splitlines()
        release = root.text(RELEASE).strip()
    except Unreadable as error:
        found.unreadable("kernel modules", error.reason)
        return
    known = _known(root, found, release)
    built = {n for n, path in (known or {}).items() if delivery == "host" and _DKMS in path}
    told: set[int] = set()
    for line in lines:
        match = _LINE.fullmatch(line.strip())
        if match is None:
            found.unreadable("kernel modules", f"{LOADED} has unexpected content")
            return
        name, taint = match["name"], match["taint"] or ""
        if name in built:
            if "E" in taint:
                told.add(_UNSIGNED)
            taint = taint.replace("E", "").replace("O", "")
        _module(found, name, taint, known)
    _deeds(root, found, told)


def _known(root: Root, found: Findings, release: str) -> dict[str, str] | None:
    """Return the kernel's modules with their files, which lie below its folder."""
    path = f"/usr/lib/modules/{release}/modules.dep"
    try:
        text = root.text(path, _LIMIT)
    except Unreadable as error:
        found.unreadable("kernel modules", error.reason)
        return None
    files = [line.partition(":")[0] for line in text.splitlines()]
    return {name.rpartition("/")[2].partition(".")[0].replace("-", "_"): name for name in files}


def _module(found: Findings, name: str, taint: str, known: Collection[str] | None) -> None:
    place = f"kernel module {name}"
    if known is not None and name not in known:
        found.differs(place, "added", "it is loaded and not among those of this kernel",
                      lasts=False)  # fmt: skip
    flags = [flag for flag in taint if flag in _FLAGS and (flag != "O" or name not in OURS)]
    if flags:
        text = ", ".join(_FLAGS[flag] for flag in flags)
        found.differs(place, "added", f"it is {text}", lasts=False)


def _deeds(root: Root, found: Findings, told: Collection[int]) -> None:
    try:
        taint = int(root.text(TAINTED).strip())
    except (Unreadable, ValueError) as error:
        reason = error.reason if isinstance(error, Unreadable) else "it is no number"
        found.unreadable(TAINTED, reason)
        return
    for bit, text in _DEEDS.items():
        if taint >> bit & 1 and bit not in told:
            found.differs("kernel", "changed", text, lasts=False)
