# SPDX-License-Identifier: Apache-2.0
"""A plain Debian host for one measurement: what is done to it, and what that took."""

from __future__ import annotations

import shlex
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from builder import command
from builder.errors import BuildError
from builder.host_disk import HostDisk
from builder.host_guest import HostGuest, specification
from builder.host_run import inventory
from builder.kernel_packages import KernelPackages
from builder.packages import Packages
from builder.version import of as version_of

from tests.bench import machine
from tests.bench.row import CannotRunError
from tests.molecule import left

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.bench.row import Context

NAME = "bench-host"
#: From nothing to a host, with modules compiled in it, under emulation.
LIMIT_S = 7200


class Provisioned:
    """The guest with its measures; ``packages`` are our own, which no archive has."""

    def __init__(self, context: Context, guest: HostGuest, packages: Sequence[Path]) -> None:
        self.context = context
        self.guest = guest
        self.packages = packages
        self.folder = context.folder / NAME

    def apply(self, *, again: bool = False) -> left.Run:
        """Apply the roles as an operator does, and return what the callback has written down.

        ``told`` in the folder of the host keeps it for a reader, one file for each run.
        """
        if not again:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = self.context.paths
        hosts = self.folder / "hosts"
        hosts.write_text(f"{inventory(self.guest, paths)}\n")
        agent, kernel = self.packages
        argv: list[str | Path] = [paths.venv / "bin/ansible-playbook", "--inventory", hosts]
        argv += ["-e", f"codex_agent_package={agent}", "-e", f"kernel_modules_package={kernel}"]
        extra = {
            "CODEX_TOLD": str(self.folder / "told"),
            "CODEX_ROOT": str(paths.root),
            "ANSIBLE_CALLBACK_PLUGINS": str(paths.root / "tests/molecule/callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "told",
            "ANSIBLE_TIMEOUT": "120",
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": "/usr/lib/python3/dist-packages",
        }
        tree = self.context.tree
        command.run(
            tree.command([*argv, "playbooks/host.yml"]),
            log=paths.logs / f"{NAME}.log",
            cwd=paths.root,
            env=tree.environment(extra),
            clean=True,
        )
        return left.runs(self.folder, "host.yml")[-1]

    def shell(self, script: str) -> str:
        """Run a script as root and return what it prints; BuildError with its words if it fails."""
        done = self.guest.ssh(["sudo", "sh", "-c", shlex.quote(f"set -e\n{script}")], LIMIT_S)
        if done.returncode != 0:
            raise BuildError("A script on the plain host failed.", hint=done.stderr[-1000:])
        return done.stdout

    def installed(self) -> set[str]:
        """All installed packages as NAME=VERSION, which apt takes."""
        form = r"--showformat='${db:Status-Abbrev} ${Package}=${Version}\n'"
        listed = self.shell(f"dpkg-query --show {form}").splitlines()
        return {line.split()[1] for line in listed if line[1] == "i"}

    def bring(self) -> None:
        """Copy our own packages to /var/tmp of the host."""
        argv = ["scp", "-q", "-F", str(self.guest.ssh_config), *map(str, self.packages)]
        tree = self.context.tree
        command.run(
            tree.command([*argv, "guest:/var/tmp/"]),
            log=self.context.paths.logs / f"{NAME}.log",
            env=tree.environment(),
            clean=True,
        )


@contextmanager
def fresh(context: Context) -> Iterator[Provisioned]:
    """Boot a host that has never booted, for the length of a ``with`` block."""
    packages = ours(context)
    HostDisk(context.paths, context.tree).ensure()
    left_over = HostGuest(context.paths, NAME)
    left_over.stop()
    guest = HostGuest.start_host(specification(NAME), context.paths)
    try:
        guest.wait_until_up()
        guest.ssh(["systemctl", "is-system-running", "--wait"], LIMIT_S)
        yield Provisioned(context, guest, packages)
    finally:
        guest.remove()


def ours(context: Context) -> list[Path]:
    """Return the agent's package and that of the modules' sources; CannotRunError without them."""
    version = version_of(context.paths)
    agent = Packages(context.paths, context.tree).agent_package(version)
    if not agent.exists() or not context.paths.venv.exists():
        raise CannotRunError(
            f"There is no {agent.name} to install.", hint="`make image` and `make check` leave it."
        )
    return [agent, KernelPackages(context.paths, context.tree).ensure_dkms(version)]


class Stopwatch:
    """Wall time, and QEMU's processor time, which other work on this machine disturbs less."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._begin = self._now()

    def read(self) -> tuple[float, float]:
        """Seconds since it was made: wall, processor."""
        wall, cpu = self._now()
        return wall - self._begin[0], cpu - self._begin[1]

    def _now(self) -> tuple[float, float]:
        return time.monotonic(), machine.processor_seconds(self._pid)
