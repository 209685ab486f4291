# SPDX-License-Identifier: Apache-2.0
"""A machine that keeps its disk and its firmware's variables over restarts and power cuts.

Each start is one run of the emulator, which ends where the guest restarts: so every boot has a
serial log of its own, and between two of them the disk can be looked at and changed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.errors import BuildError
from builder.guest import Guest, GuestSpec
from builder.paths import Paths

from tests.support import milestones, serial_logs, timeouts
from tests.support.guests import free_port
from tests.support.kept_disk import KeptDisk
from tests.support.recorder import Recorder
from tests.support.workers import mine

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


class DidNotBootError(AssertionError):
    """A boot did not come to what was waited for."""


@dataclass
class Machine:
    """One computer; ``disk`` is a raw image that stays as it is, what is written lies beside.

    With ``logs_writes`` the next starts record all that is written to the disk.
    """

    name: str
    disk: Path
    boots: list[str] = field(default_factory=list)
    logs_writes: bool = False
    _guest: Guest | None = None
    _recorder: Recorder | None = None

    def __post_init__(self) -> None:
        self.name = mine(self.name)

    @property
    def guest(self) -> Guest:
        """The running guest."""
        if self._guest is None:
            raise AssertionError(f"{self.name} does not run")
        return self._guest

    @property
    def folder(self) -> Path:
        """Where its disk, variables and logs are."""
        return Paths.find().guests / self.name

    @property
    def writes(self) -> Path:
        """The log of the writes of the last start."""
        return self.folder / "writes.log"

    def on(self) -> Guest:
        """Start it with the disk that it has."""
        self.off()
        if self.logs_writes:
            self._recorder = Recorder(self._kept.flat(), self.writes)
        spec = GuestSpec(
            name=self.name,
            https_port=free_port(),
            ssh_port=free_port(),
            disk=self._kept.base,
            keep_disk=True,
            nbd=self._recorder.socket if self._recorder else None,
        )
        self._guest = Guest.start(spec)
        serial_logs.register(self.name, self._guest.serial_log)
        return self._guest

    def off(self) -> None:
        """Cut its power: the emulator is killed, whatever it does."""
        if self._guest is not None:
            pid = self._guest.pid
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            self._ended(60)
            self._keep()
        self._end_recording()

    def restarted(self, limit_s: float = timeouts.BOOT_S) -> str:
        """Wait until the guest restarts or powers off by itself; return its console."""
        if not self._ended(limit_s):
            text = self.console()
            raise DidNotBootError(
                f"{self.name} did not restart within {limit_s:.0f} s:\n{text[-2000:]}"
            )
        self._keep()
        self._end_recording()
        return self.boots[-1]

    def lives(self, limit_s: float = timeouts.FIRST_SIGN_S) -> bool:
        """Whether this start shows a first sign of a kernel; without one, its power is cut.

        For starts that nothing was done to: see ``guests.running`` for what the emulator does.
        """
        try:
            self.guest.wait_for_serial(milestones.KERNEL_RUNS, limit_s)
        except BuildError:
            if self.guest.pid is None or self.guest.state.get("accelerator") == "kvm":
                raise
            serial_logs.note(f"guest {self.name}: the emulator stopped before the first line of"
                             " the kernel")  # fmt: skip
            self.off()
            return False
        return True

    def verdict(self, limit_s: float = timeouts.BOOT_S) -> re.Match[str]:
        """Wait for the verdict of the boot that runs; return it."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            ended = self._guest is None or self.guest.pid is None
            found = re.search(milestones.VERDICT, self.console())
            if found:
                return found
            if ended:
                break
            time.sleep(0.5)
        raise DidNotBootError(f"{self.name} came to no verdict:\n{self.console()[-2000:]}")

    def console(self) -> str:
        """What the console of this start has shown, without terminal codes."""
        log = self.guest.serial_log
        return serial_logs.plain(log) if log.exists() else ""

    def run(
        self, command: str, limit_s: float = timeouts.COMMAND_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a line of shell in the guest as root; the caller judges its status."""
        return self.guest.ssh(["sh", "-c", _quoted(command)], limit_s)

    def output(self, command: str, limit_s: float = timeouts.COMMAND_S) -> str:
        """Return what a line of shell prints, which has to succeed."""
        done = self.run(command, limit_s)
        if done.returncode != 0:
            raise AssertionError(f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def restart(self) -> None:
        """Have the guest restart in order, and wait until it did."""
        self.run("systemctl --no-block reboot")
        self.restarted()

    def raw(self, target: Path) -> Path:
        """Write the disk as it is now to a raw file, sparse; the machine has to be off."""
        if self.logs_writes:
            # Of the size that the guest sees: what is replayed on it may be at its end.
            self._kept.flat()
        return self._kept.copy(target)

    def forget(self) -> None:
        """Turn it off and remove all that it has written."""
        self.off()
        shutil.rmtree(self.folder, ignore_errors=True)

    def variables_from(self, other: Machine) -> None:
        """Take the firmware's variables of another machine."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(other.folder / "vars.fd", self.folder / "vars.fd")

    @property
    def _kept(self) -> KeptDisk:
        return KeptDisk(self.folder, self.disk)

    def _end_recording(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.end()

    def _ended(self, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while self.guest.pid is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def _keep(self) -> None:
        # A process that has just ended is still to be waited for.
        self.guest.wait_exit(60)
        self.boots.append(self.console())
        kept = Paths.find().build / "test-logs"
        serial_logs.keep(self.name, kept)
        shutil.copyfile(
            kept / f"{self.name}.serial.log", kept / f"{self.name}.boot-{len(self.boots)}.log"
        )
        self._guest = None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
