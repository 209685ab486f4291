# SPDX-License-Identifier: Apache-2.0
"""Runs in the guest, as root, with Python's own library only: does a phase and reports each step.

usage: guest.py PHASE NONCE. A report is a line of JSON on the virtio port ``codex.report``; the
last one is the nonce.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Beside this program on the second disk; tests/support has it.
from listing import listing  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Callable

PORT = Path("/dev/virtio-ports/codex.report")
TRY = Path("/try")
NAME = "codex-kernel-dkms"
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}


def command(*argv: str) -> dict[str, Any]:
    """Status and output of a program."""
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=ENVIRONMENT,
        check=False,
    )
    return {"status": done.returncode, "output": done.stdout[-20_000:]}


def nodes() -> dict[str, str]:
    """Mode and group of the device nodes."""
    group = {int(line.split(":")[2]): line.split(":")[0] for line in _lines("/etc/group")}
    places = [*Path("/dev").glob("ai_mem"), *Path("/dev").glob("ai_gpu*")]
    return {p.name: f"{p.stat().st_mode & 0o777:o} {group[p.stat().st_gid]}" for p in places}


def texts() -> dict[str, str]:
    """What the modules say of themselves."""
    names = ("/proc/ai_memory", "/proc/ai_gpu", "/proc/sys/kernel/tainted", "/proc/modules")
    return {name: Path(name).read_text() for name in names if Path(name).exists()}


def request() -> dict[str, Any]:
    """A request's whole way through both modules, by the agent's own client."""
    return command(
        "python3",
        "-B",
        "-c",
        f"import sys; sys.path.insert(0, '{TRY}'); from codex_agent.kernel import request; "
        "import dataclasses, json; print(json.dumps(dataclasses.asdict(request.run())))",
    )


def settle() -> dict[str, Any]:
    """Let udev load what has an alias of a device that is there."""
    command("udevadm", "trigger", "--action=add", "--subsystem-match=pci")
    return command("udevadm", "settle")


def install() -> dict[str, Any]:
    [package] = TRY.glob(f"{NAME}_*.deb")
    return command("apt-get", "-q", "-y", "--no-install-recommends", "install", str(package))


def purge_in_use() -> dict[str, Any]:
    """Remove the package while a program has the pool open."""
    with Path("/dev/ai_mem").open("rb"):
        return command("apt-get", "-q", "-y", "purge", NAME)


PHASES: dict[str, list[tuple[str, Callable[[], Any]]]] = {
    "install": [
        ("before", listing),
        ("install", install),
        ("status", lambda: command("dkms", "status")),
        ("load", lambda: command("modprobe", "ai_mem")),
        ("settle", settle),
        ("nodes", nodes),
        ("texts", texts),
        ("request", request),
        ("kernel", lambda: os.uname().release),
    ],
    "remove": [
        ("nodes", nodes),
        ("texts", texts),
        ("request", request),
        ("kernel", lambda: os.uname().release),
        ("unit", lambda: command("systemctl", "is-failed", "systemd-modules-load.service")),
        ("purge", purge_in_use),
        ("texts after", texts),
        ("unload", lambda: command("rmmod", "ai_mem")),
        ("status", lambda: command("dkms", "status")),
        ("database", lambda: command("dpkg-query", "--show", NAME)),
        ("dmesg", lambda: command("dmesg", "--level=emerg,alert,crit,err,warn")),
        ("after", listing),
    ],
}


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def main(phase: str, nonce: str) -> None:
    """Do the steps one after the other; one that cannot be done is reported as such."""
    with PORT.open("w") as port:
        for name, step in PHASES[phase]:
            try:
                result = step()
            except Exception as error:  # noqa: BLE001 - the report is the door
                result = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps({"step": name, "result": result}), file=port, flush=True)
        print(json.dumps({"step": "nonce", "result": nonce}), file=port, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
