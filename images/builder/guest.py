# SPDX-License-Identifier: Apache-2.0
"""A guest: one QEMU process that boots the image, its serial log, and the way into it by ssh."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from builder import accel, command, firmware, keys, uki
from builder.errors import BuildError
from builder.paths import Paths
from builder.tree import Tree

DISK_SIZE = "16G"
EXIT_STATUS = 123
HOST_KEY = re.compile(r"codex-host-key: (ssh-ed25519 [A-Za-z0-9+/=]+)\s")  # the whole of it
# Started only when a nonce was asked for: it runs once the boot is complete, so a guest that hangs
# or panics before that cannot write what is expected.
EXIT_UNIT = """\
[Unit]
Description=Tell the test that the boot is complete
Requires=boot-complete.target
After=boot-complete.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'printf "%%s\\n" {nonce} >/dev/virtio-ports/codex.exit'
ExecStartPost=/usr/bin/systemctl poweroff --no-block
"""


@dataclass(frozen=True)
class GuestSpec:
    """What to boot and how.

    ``disk`` replaces the raw image of the latest build; an overlay is written either way. A restart
    ends the guest unless it ``reboots``; with ``keep_disk`` the next one goes on from its disk.
    Its disk is what is served on the Unix socket ``nbd``, where one is given.
    """

    name: str
    firmware: Literal["ovmf", "direct"] = "ovmf"
    https_port: int = 3030
    ssh_port: int = 3022
    memory_mib: int = 2048
    cpus: int = 2
    credentials: Mapping[str, bytes] = field(default_factory=dict)
    disk: Path | None = None
    exit_nonce: str | None = None
    keep_disk: bool = False
    reboots: bool = False
    nbd: Path | None = None


@dataclass(frozen=True)
class ExitReport:
    """How a guest ended: ``status`` is 123 only when it wrote the nonce and powered itself off."""

    status: int | None
    reason: str


class Guest:
    """A running guest; everything about it lies in ``directory``."""

    user = "root"

    def __init__(self, paths: Paths, name: str) -> None:
        self.paths = paths
        self.tree = Tree(paths)
        self.directory = paths.guests / name
        self.serial_log = self.directory / "serial.log"
        self.ssh_config = self.directory / "ssh_config"
        self.ca_file = self.directory / "ca.crt"
        self.state_file = self.directory / "state.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""

    @classmethod
    def start(cls, spec: GuestSpec, paths: Paths | None = None) -> "Guest":
        """Start QEMU; raises BuildError with its words when it ends at once."""
        paths = paths or Paths.find()
        guest = cls(paths, spec.name)
        if guest.pid is not None:
            raise BuildError(f"The guest {spec.name} is already running.", hint="Stop it first.")
        version = paths.latest_version()
        if version is None:
            raise BuildError("There is no image to boot.", hint="Run `make image`.")
        guest._prepare(spec, version)
        guest._launch(spec, version)
        return guest

    @classmethod
    def attach(cls, name: str, paths: Paths | None = None) -> "Guest | None":
        """Return the guest of that name if it runs."""
        guest = cls(paths or Paths.find(), name)
        return guest if guest.pid is not None else None

    @property
    def state(self) -> dict[str, object]:
        """What the process that started the guest wrote down: pid, ports, version, firmware."""
        found: dict[str, object] = (
            json.loads(self.state_file.read_text()) if self.state_file.exists() else {}
        )
        return found

    @property
    def pid(self) -> int | None:
        """Process id of QEMU while it runs."""
        pid = self.state.get("pid")
        if self._process is not None and self._process.poll() is not None:
            return None
        if not isinstance(pid, int):
            return None
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            words = []
        if f"codex-{self.directory.name}".encode() in words:
            return pid
        if self._process is not None and self._process.pid == pid:
            # Its memory is gone, so it is about to end; who started it has to wait for it.
            self._process.wait()
        return None

    @property
    def url(self) -> str:
        """Address of the page on this machine."""
        return f"https://127.0.0.1:{self.state['https_port']}"

    @property
    def token(self) -> str:
        """The agent's token, read by ssh once; also fetches the certificate of the host's CA."""
        if not self._token:
            self._token = self.ssh(["codex", "token", "show"], 300).stdout.strip()
            self.ca_file.write_text(self.ssh(["cat", "/var/lib/codex/ca.crt"], 300).stdout)
            if not self._token or "BEGIN CERTIFICATE" not in self.ca_file.read_text():
                raise BuildError(
                    "The guest did not give its token and certificate.",
                    hint=f"See {self.serial_log}.",
                )
        return self._token

    @property
    def title(self) -> str:
        """What runs in it, for a person."""
        return f"Codex OS {self.state['version']}"

    def boots(self, version: str) -> bool:
        """Whether this guest runs the latest image: versions of an uncommitted tree repeat."""
        image = self.paths.image(version, ".raw")
        return image.exists() and self.state.get("image") == _identity(image)

    def wait_for_serial(self, pattern: str, timeout_s: float) -> "re.Match[str]":
        """Wait until the serial log matches; BuildError when QEMU ends or time is over."""
        deadline = time.monotonic() + timeout_s
        while True:
            alive = self.pid is not None
            text = self.serial_text()
            found = re.search(pattern, text)
            if found:
                return found
            if not alive or time.monotonic() > deadline:
                what = f"did not show {pattern!r} within {timeout_s:.0f} s" if alive else "ended"
                raise BuildError(
                    f"The guest {self.directory.name} {what}.",
                    hint=f"Its console is in {self.serial_log}; the end:\n\n"
                    f"{command.tail(self.serial_log)}",
                )
            time.sleep(0.5)

    def serial_text(self) -> str:
        """Return what the console has shown."""
        return self.serial_log.read_text(errors="replace") if self.serial_log.exists() else ""

    def ssh(self, argv: Sequence[str], timeout_s: float) -> "subprocess.CompletedProcess[str]":
        """Run a command in the guest; the host key is the one that the console named."""
        self.pin_host_key(timeout_s)
        words = ["ssh", "-F", str(self.ssh_config), "guest", "--", *argv]
        return subprocess.run(
            self.tree.command(words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=self.tree.environment(),
            check=False,
        )

    def wait_exit(self, timeout_s: float) -> ExitReport:
        """Wait for QEMU to end by itself; only for the process that started it."""
        if self._process is None:
            raise BuildError("Only the process that started a guest can wait for its end.")
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return ExitReport(None, f"it still ran after {timeout_s:.0f} s")
        nonce = str(self.state.get("exit_nonce") or "")
        written = (self.directory / "exit").read_text(errors="replace").split()
        events = (self.directory / "qemu.log").read_text(errors="replace")
        if status == 0 and nonce and written == [nonce]:
            return ExitReport(EXIT_STATUS, "the guest wrote the nonce and powered off")
        return ExitReport(
            None, f"QEMU ended with status {status}, exit channel {written!r}: {events[-300:]}"
        )

    def stop(self) -> None:
        """End QEMU as by pulling the plug, by force if it does not; nothing is left running.

        The guest is not asked: its journalled /var has to survive a power cut as it is.
        """
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while self.pid is not None and time.monotonic() < deadline:
            time.sleep(0.1)
        if self.pid is not None:
            os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def pin_host_key(self, timeout_s: float) -> None:
        """Take the host key from the console, once; BuildError when it is not named in time."""
        known = self.directory / "known_hosts"
        if not known.exists():
            key = self.wait_for_serial(HOST_KEY.pattern, timeout_s)[1]
            known.write_text(f"[127.0.0.1]:{self.state['ssh_port']} {key}\n")

    def _prepare(self, spec: GuestSpec, version: str) -> None:
        overlay = self.directory / "disk.qcow2"
        if self.directory.exists() and not spec.keep_disk:
            shutil.rmtree(self.directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in ("serial.log", "exit", "qemu.log", "known_hosts"):
            (self.directory / name).unlink(missing_ok=True)
        (self.directory / "exit").touch()
        backing = spec.disk or self.paths.image(version, ".raw")
        if spec.nbd is None and not overlay.exists():
            create: list[str | Path] = [
                "qemu-img",
                "create",
                "-q",
                "-f",
                "qcow2",
                "-b",
                backing,
                "-F",
                "raw",
                overlay,
                DISK_SIZE,
            ]
            self.tree.run(create, log=self.directory / "qemu-img.log")
        variables = self.directory / "vars.fd"
        if spec.firmware == "ovmf" and not variables.exists():
            shutil.copy(self._variables(spec), variables)
        self.ssh_config.write_text(
            "Host guest\n  HostName 127.0.0.1\n"
            f"  Port {spec.ssh_port}\n  User {self.user}\n"
            f"  IdentityFile {self.paths.keys / 'ssh'}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.directory / 'known_hosts'}\n  StrictHostKeyChecking yes\n"
            f"  ControlMaster auto\n  ControlPath {self.control_path}\n  ControlPersist 600\n"
            "  ConnectTimeout 120\n  ServerAliveInterval 30\n  ServerAliveCountMax 10\n"
        )
        self.ssh_config.chmod(0o600)

    @property
    def control_path(self) -> str:
        """In /tmp of the tree: a socket's path has to stay under 108 bytes wherever we lie."""
        return f"/tmp/codex-{self.directory.name}-%p"  # noqa: S108 - of the tree, root's own

    def _launch(self, spec: GuestSpec, version: str) -> None:
        parts = self._parts(version)
        accelerator = accel.choose(self.paths, self.tree, parts / "linux")
        argv = self._command(spec, accelerator, parts)
        with (self.directory / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(
                self.tree.command(argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.tree.environment(),
                start_new_session=True,
            )
        state = {
            "pid": self._process.pid,
            "https_port": spec.https_port,
            "ssh_port": spec.ssh_port,
            "version": version,
            "image": _identity(spec.disk or self.paths.image(version, ".raw")),
            "accelerator": accelerator,
            "exit_nonce": spec.exit_nonce,
            "firmware": spec.firmware,
        }
        # In one step: a state that breaks off would be a guest that nobody can stop.
        new = self.state_file.with_suffix(".new")
        new.write_text(json.dumps(state))
        new.replace(self.state_file)
        time.sleep(1)
        if self._process.poll() is not None:
            raise BuildError("QEMU did not start.", hint=command.tail(self.directory / "qemu.log"))

    def _command(self, spec: GuestSpec, accelerator: str, parts: Path) -> list[str | Path]:
        fast = accelerator == "kvm"
        secure = spec.firmware == "ovmf"
        argv: list[str | Path] = ["qemu-system-x86_64", "-nodefaults"]
        argv += [] if spec.reboots else ["-no-reboot"]
        argv += [
            "-name",
            f"codex-{self.directory.name}",
            "-machine",
            f"q35,smm={'on' if secure else 'off'}",
        ]
        argv += ["-accel", "kvm" if fast else "tcg,thread=multi", "-cpu", "host" if fast else "max"]
        # As on real machines, where the strap lets the watchdog reset.
        argv += ["-global", "ICH9-LPC.noreboot=off"]
        argv += ["-smp", str(spec.cpus), "-m", str(spec.memory_mib), "-display", "none"]
        argv += ["-serial", f"file:{self.serial_log}"]
        argv += self._disk(spec)
        argv += ["-device", "virtio-blk-pci,drive=disk,serial=codex-disk,bootindex=1"]
        argv += ["-netdev", self._network(spec), "-device", "virtio-net-pci,netdev=net,romfile="]
        argv += ["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"]
        argv += ["-chardev", f"file,id=exit,path={self.directory / 'exit'}"]
        argv += ["-device", "virtserialport,chardev=exit,name=codex.exit"]
        # A display function behind a PCIe port: its link speed, width and driver can be seen.
        argv += [
            "-device",
            "pcie-root-port,id=slot1,chassis=1,slot=1",
            "-device",
            "virtio-gpu-pci,bus=slot1",
        ]
        # A device with a DMA engine for ai_gpu; by itself it would reach 28 bits of address only.
        argv += ["-device", "edu,dma_mask=0xffffffffffffffff"]
        if secure:
            code = f"if=pflash,format=raw,unit=0,readonly=on,file={firmware.CODE}"
            argv += ["-global", "driver=cfi.pflash01,property=secure,value=on", "-drive", code]
            argv += ["-drive", f"if=pflash,format=raw,unit=1,file={self.directory / 'vars.fd'}"]
        else:
            argv += [
                "-kernel",
                parts / "linux",
                "-initrd",
                parts / "initrd",
                "-append",
                uki.command_line(parts),
            ]
        for name, value in self._credentials(spec).items():
            text = base64.b64encode(value).decode()
            argv += ["-smbios", f"type=11,value=io.systemd.credential.binary:{name}={text}"]
        return argv

    def _parts(self, version: str) -> Path:
        """Folder of ``linux``, by which KVM is probed, and of what else a direct boot starts."""
        return uki.unpack(self.paths, self.tree, version)

    def _variables(self, _spec: GuestSpec) -> Path:
        """Store of the firmware's variables that the guest gets a copy of."""
        return firmware.variables(self.paths, self.tree)

    def _disk(self, spec: GuestSpec) -> list[str | Path]:
        if spec.nbd is not None:
            # Flushes of the guest are passed on, unlike below: who serves the disk may count them.
            served = f"server.type=unix,server.path={spec.nbd},discard=unmap"
            return ["-blockdev", f"driver=nbd,node-name=disk,{served}"]
        disk = f"if=none,id=disk,format=qcow2,file={self.directory / 'disk.qcow2'}"
        return ["-drive", f"{disk},cache=unsafe,discard=unmap"]

    def _network(self, spec: GuestSpec) -> str:
        forward = [(spec.https_port, 3030), (spec.ssh_port, 22)]
        return "user,id=net" + "".join(
            f",hostfwd=tcp:127.0.0.1:{host}-:{guest}" for host, guest in forward
        )

    def _credentials(self, spec: GuestSpec) -> dict[str, bytes]:
        found = {
            "ssh.authorized_keys.root": (keys.ssh_public(self.paths) + "\n").encode(),
            **spec.credentials,
        }
        if spec.exit_nonce is not None:
            found["systemd.extra-unit.codex-exit.service"] = EXIT_UNIT.format(
                nonce=spec.exit_nonce
            ).encode()
            found["systemd.unit-dropin.codex-health.service"] = (
                b"[Unit]\nWants=codex-exit.service\n"
            )
        return found


def _identity(image: Path) -> str:
    """Tells one file from another that took its name, without reading it."""
    found = image.stat()
    return f"{found.st_ino}-{found.st_mtime_ns}"
