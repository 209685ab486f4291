# SPDX-License-Identifier: Apache-2.0
"""Reading the root under dm-verity, against the same erofs without it, in one guest.

dm-verity holds the partition, so the floor reads it through a loop device with direct I/O. Before
each reading the page cache is dropped. All files are read once, in the same order.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.errors import BuildError
from builder.guest import Guest, GuestSpec

from tests.bench.row import Context, Figures, Goal, Row, Subject
from tests.bench.rows.boot import BOOT_SECONDS, SSH_SECONDS, VERDICT, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = "/run/codex-bench"
DEVICE_MIB = 128  # that are read, from the beginning of the device
CLOCK = 'cut -d " " -f 1 /proc/uptime'


def elapsed(text: str) -> float:
    """Return the time between the two readings of /proc/uptime in a text."""
    found = [float(line) for line in re.findall(r"^\d+\.\d+$", text, re.MULTILINE)]
    if len(found) != 2 or found[1] <= found[0]:
        raise BuildError(f"The guest's clock said {text.strip()!r}.", hint="See its serial log.")
    return found[1] - found[0]


def read(shell: Callable[[str], str], device: str, folder: str) -> Figures:
    """Read a device and the files of a folder, each from a cold cache."""

    def timed(line: str) -> float:
        drop = "sync; echo 3 >/proc/sys/vm/drop_caches"
        return elapsed(shell(f"{drop}; {CLOCK}; {line}; {CLOCK}"))

    block = timed(f"dd if={device} of=/dev/null bs=1M count={DEVICE_MIB} status=none")
    files = timed(f"find {folder} -xdev -type f -print0 | xargs -0 cat >/dev/null")
    return {"device_mib_s": DEVICE_MIB / block, "files_s": files}


def both(context: Context) -> tuple[Figures, Figures]:
    """Boot a guest; return what reading its root takes, sealed and not."""
    spec = GuestSpec("bench-read", "direct", https_port=free_port(), ssh_port=free_port())
    guest = Guest.start(spec, context.paths)

    def shell(line: str) -> str:
        # ssh gives one string to a shell over there, which needs no other around it.
        done = guest.ssh([f"set -e; {line}"], SSH_SECONDS)
        if done.returncode != 0:
            raise BuildError(f"The guest could not run {line!r}.", hint=done.stderr.strip())
        return done.stdout

    try:
        guest.wait_for_serial(VERDICT, BOOT_SECONDS)
        data = f"/dev/disk/by-partlabel/codex-os_{context.version}"
        loop = shell(f"losetup --find --show --read-only --direct-io=on {data}").strip()
        shell(f"mkdir {PLAIN}; mount -t erofs -o ro {loop} {PLAIN}")
        return read(shell, "/dev/mapper/root", "/"), read(shell, loop, PLAIN)
    finally:
        guest.stop()


def _subjects(context: Context) -> list[Subject]:
    _ = context.version
    measured: dict[str, Figures] = {}

    def ours() -> Figures:
        measured["ours"], measured["plain"] = both(context)
        return measured["ours"]

    # One guest for both: from one boot to the next an emulated machine differs more than they do.
    return [Subject("ours", ours), Subject("plain erofs", lambda: measured["plain"])]


ROW = Row(
    "sealed-read",
    "Reading the root under dm-verity",
    {"device_mib_s": "MiB/s", "files_s": "s"},
    _subjects,
    [Goal("ours", "files_s", 1.5, times="plain erofs")],
    rounds=1,
    notes=(
        "files_s: every file of the root once, in order, from a cold cache",
        "plain erofs: the same partition through a loop device with direct I/O, without dm-verity",
        "an emulated processor has no instructions for SHA-256: a real one loses less",
    ),
)
