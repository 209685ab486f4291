# SPDX-License-Identifier: Apache-2.0
"""The clock: not before the system was built, and kept right by somebody.

It never gates a boot: no other version of the system would have a better clock.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.host.model import Check
from codex_agent.host.probes import TIME

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.host.root import Root

# The first is what systemd itself compares the clock with.
BUILT = ("/usr/lib/clock-epoch", "/usr/lib/os-release")
TIMESYNC = "/run/systemd/timesync"
_DAY = 86400
_STATUS_AT = 40  # of struct timex (linux/timex.h) on 64-bit machines
_SIZE = 256
_STA_UNSYNC = 0x40


def kernel_says() -> bool | None:
    """Ask the kernel whether something keeps its clock right; None where it may not be asked."""
    call = ctypes.create_string_buffer(_SIZE)
    if ctypes.CDLL(None, use_errno=True).adjtimex(call) < 0:
        return None
    status = int.from_bytes(call.raw[_STATUS_AT : _STATUS_AT + 4], "little")
    return not status & _STA_UNSYNC


def ask(root: Root, kernel: Callable[[], bool | None] = kernel_says) -> Check:
    """Judge the clock."""
    now = root.wall()
    hint = "timedatectl; correct the clock in the machine's firmware."
    built = _built(root)
    if built is None:
        text = "When this system was built is not known, so nothing can be said about the clock."
        return Check(TIME.name, "unknown", text)
    # A day: a build machine's clock, and hardware clocks that keep local time.
    if now < built - _DAY:
        text = f"The clock says {_day(now)}, but this system was built on {_day(built)}."
        return Check(TIME.name, "failed", text, hint)
    if now > built + 30 * 366 * _DAY:
        text = f"The clock says {_day(now)}, 30 years after this system was built."
        return Check(TIME.name, "failed", text, hint)
    synchronised = kernel()
    if synchronised is None and root.exists(TIMESYNC):
        synchronised = root.exists(f"{TIMESYNC}/synchronized")
    if synchronised:
        return Check(TIME.name, "ok", "The clock is synchronised.")
    if synchronised is None:
        why = "whether it is synchronised may not be asked here"
    elif root.exists(TIMESYNC):
        why = "it is not synchronised: systemd-timesyncd has had no answer from a server yet"
    else:
        why = "it is not synchronised: nothing on this host does that, or it has not begun"
    return Check(TIME.name, "ok", f"The clock is past the build of this system; {why}.")


def _built(root: Root) -> float | None:
    found = []
    for path in BUILT:
        with suppress(OSError):
            found.append(Path(root.at(path)).stat().st_mtime)
    return max(found, default=None)


def _day(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d")
