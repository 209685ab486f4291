# SPDX-License-Identifier: Apache-2.0
"""Machines: which disk each start gets, and when writes are recorded. Guests are stand-ins."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from builder.guest import Guest
from builder.paths import Paths

from tests.support import machine as module
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
