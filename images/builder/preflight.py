# SPDX-License-Identifier: Apache-2.0
"""What has to be true before any work starts; each need that is missing is one sentence."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from builder import log
from builder.errors import BuildError
from builder.paths import Paths
from builder.settings import Settings

HOST_PACKAGES = {"mmdebstrap": "mmdebstrap", "git": "git"}
DISK_GIB = 12
MEMORY_MIB = 3072
SUPPORTED = {"12", "13"}


def host(paths: Paths) -> None:
    """Operating system, rights, disk, memory and namespaces; installs the two host packages that the README names."""
    _system()
    _root()
    _disk(paths)
    _memory()
    _namespaces()
    _packages(paths)


def ports(settings: Settings) -> None:
    """BuildError when a port that `make run` needs is taken."""
    for name, number in (("PORT", settings.port), ("SSH_PORT", settings.ssh_port)):
        if port_taken(number):
            raise BuildError(
                f"Port {number} on 127.0.0.1 is already taken.",
                hint=f"Stop what uses it (`make stop`, if it is ours) or choose another: make run {name}={number + 1000}",
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


def _system() -> None:
    release: dict[str, str] = {}
    path = Path("/etc/os-release")
    for line in path.read_text().splitlines() if path.exists() else []:
        key, _, value = line.partition("=")
        release[key] = value.strip('"')
    if release.get("ID") != "debian" or release.get("VERSION_ID") not in SUPPORTED:
        name = release.get("PRETTY_NAME", "an unknown system")
        raise BuildError(f"This is {name}; Codex OS is built on Debian 12 or 13.", hint="Use such a machine, or a VM.")
    if os.uname().machine != "x86_64":
        raise BuildError(f"This machine is {os.uname().machine}; the image is built on x86_64.", hint="Use another one.")


def _root() -> None:
    if os.geteuid() != 0:
        raise BuildError("The build mounts file systems and needs root.", hint="Install sudo, or run make as root.")


def _disk(paths: Paths) -> None:
    free = shutil.disk_usage(paths.root).free >> 30
    if free < DISK_GIB and not paths.tools.exists():
        raise BuildError(f"{free} GiB are free here; a first build needs {DISK_GIB}.", hint="Free some disk space.")
    if free < 3:
        raise BuildError(f"{free} GiB are free here; a build needs 3.", hint="`make clean` removes old results.")


def _memory() -> None:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) >> 10
            if available < MEMORY_MIB:
                raise BuildError(f"{available} MiB of memory are free; {MEMORY_MIB} are needed.", hint="Stop other work.")


def _namespaces() -> None:
    done = subprocess.run(["unshare", "--mount", "--propagation", "slave", "true"], capture_output=True, check=False)
    if done.returncode != 0:
        raise BuildError(
            "This machine does not allow mount namespaces.",
            hint="In a container: give it CAP_SYS_ADMIN; otherwise check user.max_mnt_namespaces.",
        )


def _packages(paths: Paths) -> None:
    missing = [package for program, package in HOST_PACKAGES.items() if shutil.which(program) is None]
    if not missing:
        return
    with log.step(f"Installing {', '.join(missing)} on this machine"):
        logfile = paths.logs / "host.log"
        logfile.parent.mkdir(parents=True, exist_ok=True)
        with logfile.open("ab") as out:
            for argv in (["apt-get", "-q", "update"], ["apt-get", "-q", "-y", "--no-install-recommends", "install", *missing]):
                done = subprocess.run(
                    argv, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False
                )
        if done.returncode != 0 or any(shutil.which(program) is None for program in HOST_PACKAGES):
            raise BuildError(
                f"apt could not install {', '.join(missing)}.", hint=f"The network or the mirrors fail; see {logfile}."
            )
