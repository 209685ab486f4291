# SPDX-License-Identifier: Apache-2.0
"""From QEMU's start to our healthy verdict, against a plain Debian to multi-user.target.

Both boot their kernel directly, under one emulator with one set of devices; a first boot from a new
disk, then another from the same disk.
"""

import re
import socket
import time
from pathlib import Path

from builder import uki
from builder.errors import BuildError
from builder.guest import Guest, GuestSpec

from tests.bench import machine, plain
from tests.bench.row import Context, Figures, Goal, Row, Subject

BOOT_SECONDS = 1800
SSH_SECONDS = 300
VERDICT = r"codex-verdict: (healthy|degraded|failed|unknown)"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def analysed_seconds(text: str) -> float:
    """Total of `systemd-analyze time`: ``… = 1min 2.345s``; ValueError for anything else."""
    units = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 0.001}
    total = re.search(r"= ((?:[\d.]+(?:h|min|ms|s) ?)+)", text)
    if not total:
        raise ValueError(f"systemd-analyze said {text.strip()!r}")
    parts = re.findall(r"([\d.]+)(h|min|ms|s)", total[1])
    return sum(float(value) * units[unit] for value, unit in parts)


def _analysed(guest: Guest) -> float:
    """As soon as systemd has finished the boot, which may be after the line we waited for."""
    for _ in range(30):
        done = guest.ssh(["systemd-analyze", "time"], SSH_SECONDS)
        if done.returncode == 0 and "=" in done.stdout:
            return analysed_seconds(done.stdout)
        time.sleep(5)
    raise BuildError("systemd-analyze does not see the end of the boot.", hint=done.stderr.strip())


def _boot(kind: type[Guest], spec: GuestSpec, pattern: str, suffix: str) -> Figures:
    started = time.monotonic()
    guest = kind.start(spec)
    try:
        line = guest.wait_for_serial(pattern, BOOT_SECONDS)[0]
        wall = time.monotonic() - started
        pid = guest.pid
        if pid is None or line.endswith(("failed", "unknown")):
            raise BuildError(f"The boot did not end well: {line}.", hint=f"See {guest.serial_log}.")
        cpu = machine.processor_seconds(pid)
        figures = {f"cpu_{suffix}_s": cpu, f"wall_{suffix}_s": wall}
        figures[f"systemd_{suffix}_s"] = _analysed(guest)
        guest.ssh(["systemctl", "poweroff"], SSH_SECONDS)
        guest.wait_exit(SSH_SECONDS)
    finally:
        guest.stop()
    return figures


def _boots(kind: type[Guest], name: str, disk: Path, pattern: str) -> Figures:
    """A first boot, and one more from the disk that it left."""
    figures: dict[str, float] = {}
    for suffix, keep in (("first", False), ("later", True)):
        spec = GuestSpec(
            name=name,
            firmware="direct",
            https_port=free_port(),
            ssh_port=free_port(),
            disk=disk,
            keep_disk=keep,
        )
        figures |= _boot(kind, spec, pattern, suffix)
    return figures


def _subjects(context: Context) -> list[Subject]:
    ours = context.paths.image(context.version, ".raw")
    peer = plain.ensure(context)
    parts = peer.folder / "parts"
    parts.mkdir(exist_ok=True)
    for section, name in uki.SECTIONS.items():
        argv = ["objcopy", "--output-target=binary", f"--only-section={section}"]
        context.tree.run([*argv, str(peer.uki), str(parts / name)], log=peer.log)
    plain.PlainGuest.parts = parts
    return [
        Subject("ours", lambda: _boots(Guest, "bench-ours", ours, VERDICT)),
        Subject(
            "plain Debian",
            lambda: _boots(plain.PlainGuest, "bench-plain", peer.disk, plain.REACHED),
        ),
    ]


ROW = Row(
    "boot",
    "Boot to the healthy verdict",
    {f"{what}_{when}_s": "s" for what in ("cpu", "wall", "systemd") for when in ("first", "later")},
    _subjects,
    [
        Goal("ours", f"{what}_{when}_s", 1.0, times="plain Debian")
        for when in ("first", "later")
        for what in ("cpu", "systemd")
    ],
    rounds=1,
    notes=(
        "cpu: QEMU's processor seconds until the line on the console; systemd: systemd-analyze",
        "plain Debian: ext4, no verity, same kernel package and archive, networkd, ssh, no agent",
    ),
)
