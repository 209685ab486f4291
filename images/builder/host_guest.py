# SPDX-License-Identifier: Apache-2.0
"""A guest that is no image of ours: a plain Debian host, which the roles are applied to.

The same QEMU with the same devices as the image's guest; only ssh is forwarded, because the agent
of such a host answers on its loopback.
"""

import shutil
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from builder import firmware, host_disk
from builder.errors import BuildError
from builder.guest import Guest, GuestSpec
from builder.host_disk import HostDisk
from builder.paths import Paths

#: From power-on to a login; under emulation a first boot takes minutes.
BOOT_SECONDS = 1800
#: OVMF's variables with the keys of the firmware's vendor, as real machines come.
VENDOR_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.ms.fd")
#: A display function of another maker than QEMU's: what detection may be told to take for a GPU.
DISPLAY = "ati-vga,romfile="
#: Modules are compiled in it.
MEMORY_MIB = 2048


@dataclass(frozen=True)
class HostSpec(GuestSpec):
    """What a plain host is, besides how it is run."""

    suite: str = "trixie"
    secure_boot: bool = False


def specification(
    name: str,
    suite: str = "trixie",
    *,
    ssh_port: int = 0,
    secure_boot: bool = False,
    keep_disk: bool = False,
    cpus: int = 2,
    memory_mib: int = MEMORY_MIB,
) -> HostSpec:
    """Describe a plain host of the usual size; without a port it gets one that is free now."""
    return HostSpec(
        name=name,
        suite=suite,
        secure_boot=secure_boot,
        ssh_port=ssh_port or free_port(),
        cpus=cpus,
        memory_mib=memory_mib,
        keep_disk=keep_disk,
        reboots=True,
    )


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class HostGuest(Guest):
    """A running plain host; its state lies with that of the other guests."""

    user = host_disk.USER

    @classmethod
    def start_host(cls, spec: HostSpec, paths: Paths) -> "HostGuest":
        """Start QEMU on a new copy of the suite's disk, or go on from the one that it has."""
        guest = cls(paths, spec.name)
        if guest.pid is not None:
            raise BuildError(f"The guest {spec.name} is already running.", hint="Stop it first.")
        made = HostDisk(paths, guest.tree, spec.suite).made
        if not made.disk.exists():
            raise BuildError(
                f"There is no disk of a plain Debian {spec.suite}.",
                hint="`make host` and `make test-roles` make it.",
            )
        described = replace(spec, disk=made.disk)
        guest._prepare(described, spec.suite)
        guest._launch(described, spec.suite)
        return guest

    @property
    def title(self) -> str:
        """What runs in it, for a person."""
        return f"A plain Debian {self.state['version']}"

    def wait_until_up(self, timeout_s: float = BOOT_SECONDS) -> None:
        """Wait until the host has told its key and takes a login; BuildError when it does not."""
        self.pin_host_key(timeout_s)
        done = self.ssh(["true"], timeout_s)
        if done.returncode != 0:
            raise BuildError(
                f"The guest {self.directory.name} takes no login.",
                hint=f"{done.stderr.strip()[-500:]} Its console is in {self.serial_log}.",
            )

    def remove(self) -> None:
        """End it and remove all that was its own."""
        self.stop()
        if self.directory.exists():
            shutil.rmtree(self.directory)

    def _parts(self, version: str) -> Path:
        return HostDisk(self.paths, self.tree, version).folder

    def _variables(self, spec: GuestSpec) -> Path:
        """Without Secure Boot no key at all; with it the vendor's, and ours for modules beside."""
        if not isinstance(spec, HostSpec) or not spec.secure_boot:
            return self.paths.tools / firmware.EMPTY_VARIABLES.relative_to("/")
        store = self.directory / "vendor.fd"
        certificate = self.paths.keys / "modules.crt"
        argv: list[str | Path] = ["virt-fw-vars", "--input", VENDOR_VARIABLES, "--output", store]
        argv += ["--add-db", firmware.OWNER, certificate]
        self.tree.run(argv, log=self.directory / "firmware.log")
        return store

    def _network(self, spec: GuestSpec) -> str:
        return f"user,id=net,hostfwd=tcp:127.0.0.1:{spec.ssh_port}-:22"

    def _command(self, spec: GuestSpec, accelerator: str, parts: Path) -> list[str | Path]:
        return [*super()._command(spec, accelerator, parts), "-device", DISPLAY]

    def _credentials(self, _spec: GuestSpec) -> dict[str, bytes]:
        """None: the key lies on the disk, as on any host that an operator has set up."""
        return {}
