# SPDX-License-Identifier: Apache-2.0
"""Machines of scenarios: made, told to Molecule and to pytest, ended; QEMU is a stand-in."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import yaml
from builder.errors import BuildError
from builder.host_guest import HostSpec, specification
from builder.paths import Paths

from tests.molecule import hosts, machine

if TYPE_CHECKING:
    from pathlib import Path


class _Guest:
    """Shows a kernel only from start number ``alive_from`` on."""

    starts: ClassVar[int] = 0
    alive_from: ClassVar[int] = 1
    takes_login: ClassVar[bool] = True
    removed: ClassVar[int] = 0
    user = "admin"

    def __init__(self, paths: Paths, name: str) -> None:
        self.paths = paths
        self.directory = paths.guests / name
        self.state: dict[str, Any] = {"ssh_port": 4022, "accelerator": "tcg"}
        self.pid: int | None = 1

    @classmethod
    def start_host(cls, spec: HostSpec, paths: Paths) -> _Guest:
        cls.starts += 1
        return cls(paths, spec.name)

    def wait_for_serial(self, pattern: str, timeout_s: float) -> re.Match[str] | None:
        if self.starts < self.alive_from:
            raise BuildError("nothing was shown")
        return re.search(pattern, "[    1.000000] x")

    def wait_until_up(self, timeout_s: float) -> None:
        if not self.takes_login:
            raise BuildError("It takes no login.")

    def serial_text(self) -> str:
        return f"start {self.starts}\n"

    def remove(self) -> None:
        type(self).removed += 1


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setattr(machine, "HostGuest", _Guest)
    for name, value in (("starts", 0), ("alive_from", 1), ("takes_login", True), ("removed", 0)):
        monkeypatch.setattr(_Guest, name, value)
    return Paths(tmp_path)


def test_machine_is_told_to_molecule_and_forgotten_again(paths: Paths, tmp_path: Path) -> None:
    instances = tmp_path / "state/instances.yml"
    for name in ("a", "b", "a"):
        machine.create(paths, specification(name), instances)
    entries = yaml.safe_load(instances.read_text())
    assert [entry["instance"] for entry in entries] == ["b", "a"]
    assert entries[1] == {"instance": "a", "address": "127.0.0.1", "port": 4022, "user": "admin",
                          "identity_file": str(paths.keys / "ssh")}  # fmt: skip
    machine.destroy(paths, "a", instances)
    machine.destroy(paths, "a", instances)
    assert [entry["instance"] for entry in yaml.safe_load(instances.read_text())] == ["b"]


def test_emulator_that_stopped_is_started_again_once(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(_Guest, "alive_from", 2)
    machine.create(paths, specification("a"), tmp_path / "instances.yml")
    assert (_Guest.starts, _Guest.removed) == (2, 1)
    assert "NOTE a: the emulator stopped" in capsys.readouterr().out


def test_machine_that_takes_no_login_is_removed_and_its_console_kept(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Guest, "takes_login", False)
    instances = tmp_path / "instances.yml"
    with pytest.raises(BuildError, match="takes no login"):
        machine.create(paths, specification("a"), instances)
    assert _Guest.removed == 1
    assert not instances.exists()
    assert (paths.build / "test-logs/a.serial.log").read_text() == "start 1\n"


def test_failure_is_a_sentence_and_a_status(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(_Guest, "takes_login", False)
    monkeypatch.setattr(Paths, "find", classmethod(lambda cls: paths))
    words = ["create", "a", "--suite=bookworm", f"--instances={tmp_path / 'i.yml'}"]
    assert machine.main(words) == 1
    assert capsys.readouterr().err == "It takes no login.\n"
    monkeypatch.setattr(_Guest, "takes_login", True)
    assert machine.main(words) == 0


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    instances = tmp_path / "instances.yml"
    entry = {"instance": "m", "address": "127.0.0.1", "port": 4022, "user": "admin",
             "identity_file": "/keys/ssh"}  # fmt: skip
    instances.write_text(yaml.safe_dump([entry]))
    return {hosts.INSTANCES: str(instances), "CODEX_GUEST": "/guests/m"}


def test_tests_are_for_every_machine_of_the_scenario(environ: dict[str, str]) -> None:
    assert hosts.specs(environ) == ["molecule://m"]
    assert hosts.specs({}) == []
    assert hosts.specs({hosts.INSTANCES: "/nowhere"}) == []


def test_machine_is_reached_with_its_own_key_only(environ: dict[str, str], tmp_path: Path) -> None:
    text = hosts.ssh_config("molecule://m", tmp_path, environ).read_text()
    assert "Host m\n  HostName 127.0.0.1\n  Port 4022\n  User admin\n" in text
    assert "UserKnownHostsFile /guests/m/known_hosts" in text
    assert "StrictHostKeyChecking yes" in text


def test_machine_that_is_not_known_is_an_error(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="Molecule has no machine other"):
        hosts.ssh_config("molecule://other", tmp_path, environ)
    with pytest.raises(LookupError, match="Molecule has no machine m"):
        hosts.ssh_config("molecule://m", tmp_path, {})


def test_option_of_molecule_gives_a_shell_with_sudo(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support import hosts as shells

    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(hosts, "ssh_config", lambda spec, folder: folder / "ssh_config")
    config: Any = SimpleNamespace(option=SimpleNamespace())
    found = shells.of_option("molecule://m", config)
    assert found.backend.host.name == "m"
    assert found.backend.sudo
    assert shells.ansible_variables(found)["ansible_become"] == "true"
