# SPDX-License-Identifier: Apache-2.0
"""Machines: which disk each start gets, and when writes are recorded. Guests are stand-ins."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from builder.errors import BuildError
from builder.guest import Guest
from builder.paths import Paths

from tests.support import machine as module
from tests.support import serial_logs
from tests.support.kept_disk import KeptDisk
from tests.support.machine import Machine

if TYPE_CHECKING:
    from builder.guest import GuestSpec


class Hands:
    """What was started, and which recorders run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.specs: list[GuestSpec] = []
        self.recording: list[Path] = []

    def start(self, spec: GuestSpec) -> SimpleNamespace:
        self.specs.append(spec)
        log = self.folder / "serial.log"
        log.write_text("console\n")
        return SimpleNamespace(pid=None, serial_log=log, wait_exit=lambda _seconds: None)

    def record(self, disk: Path, log: Path) -> SimpleNamespace:
        self.recording.append(disk)
        log.write_text("")
        return SimpleNamespace(socket=Path("/tmp/socket"), end=lambda: self.recording.remove(disk))


@pytest.fixture
def hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hands:
    found = Hands(tmp_path)
    monkeypatch.setattr(Paths, "find", lambda: Paths(tmp_path))
    monkeypatch.setattr(Guest, "start", found.start)
    monkeypatch.setattr(module, "Recorder", found.record)
    return found


@pytest.fixture
def machine(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Its disk is in one raw file as soon as writes are recorded."""
    found = Machine("m", hands.folder / "given.raw")
    found.folder.mkdir(parents=True)

    def flat(kept: KeptDisk) -> Path:
        (kept.folder / "disk.raw").touch()
        return kept.folder / "disk.raw"

    monkeypatch.setattr(KeptDisk, "flat", flat)
    return found


def test_writes_are_recorded_from_a_start_to_its_end(machine: Machine, hands: Hands) -> None:
    machine.on()
    assert machine.restarted() == "console\n"
    machine.logs_writes = True
    for end in (machine.restarted, machine.off):
        machine.on()
        assert hands.recording == [machine.folder / "disk.raw"]
        end()
        assert hands.recording == []
    machine.logs_writes = False
    machine.on()
    flat = machine.folder / "disk.raw"
    assert [(spec.disk, spec.nbd) for spec in hands.specs] == [
        (machine.disk, None), (flat, Path("/tmp/socket")), (flat, Path("/tmp/socket")), (flat, None)
    ]  # fmt: skip
    assert all(spec.keep_disk for spec in hands.specs)


def test_recorder_of_a_guest_that_did_not_start_is_ended(
    machine: Machine, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(spec: GuestSpec) -> Guest:
        raise RuntimeError("no QEMU")

    monkeypatch.setattr(Guest, "start", refuse)
    machine.logs_writes = True
    with pytest.raises(RuntimeError):
        machine.on()
    machine.forget()
    assert hands.recording == []
    assert not machine.folder.exists()


class Emulator:
    """A process that is one, and a console that shows the kernel or does not."""

    def __init__(self, folder: Path, *, shows: bool, accelerator: str = "tcg") -> None:
        self._process = subprocess.Popen(["sleep", "300"])
        self.serial_log = folder / "serial.log"
        self.serial_log.write_text("BdsDxe: starting Boot0001\n")
        self.state = {"accelerator": accelerator}
        self._shows = shows

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process.poll() is None else None

    def wait_for_serial(self, _pattern: str, _limit_s: float) -> None:
        if not self._shows:
            raise BuildError("The guest m did not show it.", hint="See its console.")

    def wait_exit(self, seconds: float) -> None:
        self._process.wait(seconds)


@pytest.mark.parametrize("shows", [False, True])
def test_an_emulator_that_stopped_is_told_from_a_kernel(
    machine: Machine, hands: Hands, monkeypatch: pytest.MonkeyPatch, *, shows: bool
) -> None:
    """Its power is cut, so that it can be started again, and the report says so."""
    noted: list[str] = []
    monkeypatch.setattr(serial_logs, "note", noted.append)
    emulator = Emulator(hands.folder, shows=shows)
    monkeypatch.setattr(Guest, "start", lambda _spec: emulator)
    machine.on()
    assert machine.lives(0.1) is shows
    assert (emulator.pid is not None) is shows
    assert len(noted) == (not shows)
    machine.off()
    assert emulator.pid is None


@pytest.mark.parametrize("accelerator", ["tcg", "kvm"])
def test_what_ended_or_runs_on_a_real_processor_has_no_excuse(
    machine: Machine, hands: Hands, monkeypatch: pytest.MonkeyPatch, accelerator: str
) -> None:
    emulator = Emulator(hands.folder, shows=False, accelerator=accelerator)
    monkeypatch.setattr(Guest, "start", lambda _spec: emulator)
    machine.on()
    if accelerator == "tcg":
        os.kill(emulator.pid or 0, signal.SIGKILL)
        emulator.wait_exit(10)
    with pytest.raises(BuildError):
        machine.lives(0.1)
    machine.off()
