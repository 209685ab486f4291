# SPDX-License-Identifier: Apache-2.0
"""What has to be true before any work starts; each need that is missing is one sentence."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from builder import log
from builder.errors import BuildError
from builder.paths import Paths
from builder.settings import Settings

OS_RELEASE = Path("/etc/os-release")
MEMINFO = Path("/proc/meminfo")
HOST_PACKAGES = {"mmdebstrap": "mmdebstrap", "git": "git"}
DISK_GIB = 12
REBUILD_GIB = 3
MEMORY_MIB = 3072
SUPPORTED = {"12", "13"}


def host(paths: Paths) -> None:
    """Operating system, rights, path, disk, memory and namespaces; installs two host packages."""
    _system()
    _root()
    _path(paths)
    _disk(paths)
    _memory(paths)
    _namespaces()
    _packages(paths)


def ports(settings: Settings) -> None:
    """BuildError when a port that `make run` needs is taken."""
    wanted = {"PORT": settings.port, "SSH_PORT": settings.ssh_port}
    for name, number in wanted.items():
        if port_taken(number):
            free = _free_port(number, set(wanted.values()))
            raise BuildError(
                f"Port {number} on 127.0.0.1 is already taken.",
                hint="Stop what uses it (`make stop`, if it is ours) or choose another: "
                f"make run {name}={free}",
            )


def port_taken(number: int) -> bool:
    """Whether somebody listens on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return True
    return False


def _free_port(number: int, besides: set[int]) -> int:
    candidates = [*range(number + 1, min(number + 1000, 65536)), *range(30300, 31300)]
    free: int = next(p for p in candidates if p not in besides and not port_taken(p))
    return free


def _system() -> None:
    release: dict[str, str] = {}
    for line in OS_RELEASE.read_text().splitlines() if OS_RELEASE.exists() else []:
        key, _, value = line.partition("=")
        release[key] = value.strip("\"'")
    if release.get("ID") != "debian" or release.get("VERSION_ID") not in SUPPORTED:
        name = release.get("PRETTY_NAME", "an unknown system")
        raise BuildError(
            f"This is {name}; Codex OS is built on Debian 12 or 13.",
            hint="Use such a machine, or a virtual machine.",
        )
    machine = os.uname().machine
    if machine != "x86_64":
        raise BuildError(
            f"This machine is {machine}; the image is built on x86_64.", hint="Use one."
        )


def _root() -> None:
    if os.geteuid() != 0:
        raise BuildError(
            "The build mounts file systems and needs root.",
            hint="Install sudo, or run make as root.",
        )


def _path(paths: Paths) -> None:
    """Refuse a path with blanks or commas, which apt, QEMU and ssh read as their own."""
    if not re.fullmatch(r"[A-Za-z0-9._/+@~-]+", str(paths.root)):
        raise BuildError(
            f"The path {str(paths.root)!r} holds characters that apt and QEMU read as their own.",
            hint="Move the repository to a path of letters, digits and . _ / + @ ~ - only.",
        )


def _disk(paths: Paths) -> None:
    free = shutil.disk_usage(paths.root).free >> 30
    if free < DISK_GIB and not paths.tools.exists():
        raise BuildError(
            f"{free} GiB are free here; a first build needs {DISK_GIB}.",
            hint="Free some disk space.",
        )
    if free < REBUILD_GIB:
        raise BuildError(
            f"{free} GiB are free here; a build needs {REBUILD_GIB}.",
            hint="`make clean` removes old results.",
        )


def _memory(paths: Paths) -> None:
    """Memory of our own guests counts as free: `make run` beside a running guest is no new need."""
    fields = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines() if ":" in line)
    available = (int(fields["MemAvailable"].split()[0]) >> 10) + _guests_mib(paths)
    if available < MEMORY_MIB:
        raise BuildError(
            f"{available} MiB of memory are free; {MEMORY_MIB} are needed.", hint="Stop other work."
        )


def _guests_mib(paths: Paths) -> int:
    from builder.guest import Guest

    total = 0
    for state in paths.guests.glob("*/state.json"):
        guest = Guest.attach(state.parent.name, paths)
        if guest is not None:
            status = Path(f"/proc/{guest.pid}/status").read_text()
            found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
            total += int(found[1]) >> 10 if found else 0
    return total


def _namespaces() -> None:
    """Try the namespaces that mkosi and the tools tree use; root needs no user namespace."""
    names = ["--mount", "--net", "--ipc", "--pid", "--fork"]
    argv = ["unshare", *names, "--propagation", "slave", "true"]
    done = subprocess.run(argv, capture_output=True, check=False)
    if done.returncode != 0:
        raise BuildError(
            "This machine does not allow new namespaces.",
            hint="In a container: give it CAP_SYS_ADMIN; otherwise check the limits in "
            "/proc/sys/user (max_mnt_namespaces, max_net_namespaces, max_ipc_namespaces, "
            "max_pid_namespaces).",
        )


def _packages(paths: Paths) -> None:
    missing = [
        package for program, package in HOST_PACKAGES.items() if shutil.which(program) is None
    ]
    if not missing:
        return
    with log.step(f"Installing {', '.join(missing)} on this machine"):
        logfile = paths.logs / "host.log"
        logfile.parent.mkdir(parents=True, exist_ok=True)
        install = ["apt-get", "-q", "-y", "--no-install-recommends", "install", *missing]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        with logfile.open("ab") as out:
            for argv in (["apt-get", "-q", "update"], install):
                done = subprocess.run(
                    argv, stdout=out, stderr=subprocess.STDOUT, env=environment, check=False
                )
        if done.returncode != 0 or any(shutil.which(name) is None for name in HOST_PACKAGES):
            raise BuildError(
                f"apt could not install {', '.join(missing)}.",
                hint=f"The network or the mirrors fail; see {logfile}.",
            )
