# SPDX-License-Identifier: Apache-2.0
"""What our services cost a host on which nothing happens, by the accounts of their cgroups.

The processor time of a oneshot that has ended is kept by the slice above it. What the slice counted
and no living service of others did is therefore ours, or of another oneshot: an upper bound.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from builder.guest import Guest, GuestSpec

from tests.bench.row import Context, Figures, Goal, Row, Subject
from tests.bench.rows.boot import BOOT_SECONDS, SSH_SECONDS, VERDICT, free_port

SETTLE_SECONDS = 120
WINDOW_SECONDS = 180
SLICE = "/sys/fs/cgroup/system.slice"
# One line a cgroup: name, microseconds of processor time, bytes of memory, of those anonymous.
ACCOUNTS = f"""
cd {SLICE} || exit 1
cut -d ' ' -f 1 /proc/uptime
for g in . *.service; do
  [ -e "$g/memory.current" ] || continue
  echo "$g" $(sed -n 's/^usage_usec //p' "$g/cpu.stat") $(cat "$g/memory.current") \\
    $(sed -n 's/^anon //p' "$g/memory.stat")
done
"""


class Accounts:
    """One reading of all services."""

    def __init__(self, text: str) -> None:
        first, *lines = text.strip().splitlines()
        self.at_s = float(first)
        self.usage_us: dict[str, int] = {}
        self.memory: dict[str, int] = {}
        self.anonymous: dict[str, int] = {}
        for line in lines:
            name, usage, memory, anonymous = line.split()
            self.usage_us[name] = int(usage)
            self.memory[name] = int(memory)
            self.anonymous[name] = int(anonymous)
        if "." not in self.usage_us:
            raise ValueError("the slice gave no account of itself")

    def ours(self) -> list[str]:
        """Names of our services that live."""
        return [name for name in self.usage_us if re.match(r"codex[-.@]", name)]


def compare(before: Accounts, after: Accounts) -> Figures:
    """Cost between two readings: shares of one core of the guest, MiB at the end."""
    seconds = after.at_s - before.at_s
    used = {
        name: after.usage_us[name] - before.usage_us[name]
        for name in after.usage_us.keys() & before.usage_us.keys()
    }
    others = sum(max(0, t) for n, t in used.items() if n != "." and n not in after.ours())
    share = 100 / (seconds * 1e6)
    return {
        "cpu_percent": (used["."] - others) * share,
        "cpu_all_percent": used["."] * share,
        "memory_mib": sum(after.memory[name] for name in after.ours()) / (1 << 20),
        "anon_mib": sum(after.anonymous[name] for name in after.ours()) / (1 << 20),
        "memory_all_mib": after.memory["."] / (1 << 20),
    }


@contextmanager
def _guest(context: Context) -> Iterator[Guest]:
    """The guest of `make run` if it runs, and else one for this row."""
    running = Guest.attach("run", context.paths)
    if running is not None:
        running.wait_for_serial(VERDICT, BOOT_SECONDS)
        yield running
        return
    spec = GuestSpec("bench-idle", "direct", https_port=free_port(), ssh_port=free_port())
    guest = Guest.start(spec, context.paths)
    try:
        guest.wait_for_serial(VERDICT, BOOT_SECONDS)
        time.sleep(SETTLE_SECONDS)
        yield guest
    finally:
        guest.stop()


def _subjects(context: Context) -> list[Subject]:
    _ = context.version

    def read(guest: Guest) -> Accounts:
        # ssh gives one string to a shell over there, which needs no other around it.
        return Accounts(guest.ssh([ACCOUNTS], SSH_SECONDS).stdout)

    def take() -> Figures:
        with _guest(context) as guest:
            before = read(guest)
            time.sleep(WINDOW_SECONDS)
            return compare(before, read(guest))

    return [Subject("ours", take)]


ROW = Row(
    "idle-cost",
    "Idle cost of the services",
    {
        "cpu_percent": "%",
        "cpu_all_percent": "%",
        "memory_mib": "MiB",
        "anon_mib": "MiB",
        "memory_all_mib": "MiB",
    },
    _subjects,
    [Goal("ours", "cpu_percent", 1.0), Goal("ours", "memory_mib", 120)],
    rounds=1,
    notes=(
        "cpu_percent: of one core of the guest, codex-*.service and every oneshot that ended",
        "all: system.slice, with the services of Debian; memory counts page cache, anon does not",
        "an emulated core is many times slower than a real one: its share is an upper bound",
    ),
)
