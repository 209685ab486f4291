# SPDX-License-Identifier: Apache-2.0
"""Two good versions, a disk that was updated from one to the other, and the table of attacks."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.attack_table import Table
    from tests.support.machine import Machine
    from tests.support.versions.lab import Lab


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much is tried: CI takes a few of each, `make test-boot` all and hundreds of cuts."""
    group = parser.getgroup("codex")
    group.addoption("--all-attacks", action="store_true", help="every kind of attack on updates")
    group.addoption("--cuts", type=int, default=20, help="power cuts that are judged (20)")
    group.addoption("--booted-cuts", type=int, default=1, help="of each half, are booted (1)")
    group.addoption("--seed", type=int, default=4, help="of all that is chosen by chance (4)")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker of what only `make test-boot` runs."""
    config.addinivalue_line("markers", "every_attack: runs only with --all-attacks")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what only `make test-boot` runs."""
    if item.get_closest_marker("every_attack") and not item.config.getoption("--all-attacks"):
        pytest.skip("runs with --all-attacks: make test-boot")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remove what other processes than this session's have left."""
    if not hasattr(session.config, "workerinput"):
        for old in _tables():
            old.unlink()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Make one table of those of several processes."""
    if hasattr(session.config, "workerinput") or not (written := _tables()):
        return
    from tests.support.attack_table import Table

    whole = Table()
    for place in written:
        whole.take(place.read_text(encoding="utf-8"))
    whole.write(_logs() / "attacks")


def _logs() -> Path:
    from builder.paths import Paths

    return Paths.find().build / "test-logs"


def _tables() -> list[Path]:
    return sorted(_logs().glob("attacks-gw*.json"))


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The built version and a second one that is offered."""
    from tests.support.versions.lab import open_lab

    return open_lab()


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> Iterator[Table]:
    """Attacks and what became of them, written when the session ends."""
    from tests.support.attack_table import Table
    from tests.support.workers import mine

    found = Table()
    yield found
    found.write(_logs() / mine("attacks"))


@dataclass
class Updated:
    """What a first update left: the machine, and copies of its disk and of its variables.

    ``disk`` and ``variables`` are from when both versions were good and the second was running.
    ``log`` has the writes of the time from before the update (``before``) to its restart, ``marks``
    how many bytes of it were there at which stage; ``trial`` those of the first start.
    """

    lab: Lab
    disk: Path
    variables: Path
    before: Path
    log: Path
    marks: dict[str, int]
    after: Path
    trial: Path
    figures: dict[str, float]
    facts: dict[str, Any]


@pytest.fixture(scope="session")
def updated(lab: Lab, table: Table) -> Iterator[Updated]:
    """Update a machine from the first version to the second, once for all tests of a session."""
    from tests.updates.first_update import update

    found = update(lab, table)
    yield found
    shutil.rmtree(found.disk.parent)


@pytest.fixture(scope="session")
def running(updated: Updated) -> Iterator[Machine]:
    """The updated machine; it runs, and what a test does to it is there for the next."""
    from tests.support.machine import Machine

    machine = Machine("upd-running", updated.disk)
    machine.forget()
    machine.folder.mkdir(parents=True)
    shutil.copyfile(updated.variables, machine.folder / "vars.fd")
    machine.on()
    assert machine.verdict()["state"] == "healthy"
    yield machine
    machine.forget()


@pytest.fixture(scope="session")
def offered(updated: Updated) -> Path:
    """A folder with a third version, as it should be."""
    from tests.support.versions import broken, make

    lab = updated.lab
    third = lab.make("third", lab.third, broken.good("the third version"))
    folder = lab.folder / "third-offers"
    make.publish(third, folder, lab.paths, lab.tree)
    lab.forget("third")
    return folder


@pytest.fixture
def machine(request: pytest.FixtureRequest, updated: Updated, tmp_path: Path) -> Iterator[Machine]:
    """A machine with a copy of the updated disk, off; the test may change ``machine.disk``."""
    from tests.support import disk
    from tests.support.machine import Machine

    name = "upd-" + "".join(c if c.isalnum() else "-" for c in request.node.name)[:40]
    raw = updated.disk.parent / f"{name}.raw"
    found = Machine(name, disk.copy_sparse(updated.disk, raw))
    found.forget()
    found.folder.mkdir(parents=True)
    shutil.copyfile(updated.variables, found.folder / "vars.fd")
    yield found
    found.forget()
    raw.unlink()


def status(machine: Machine) -> dict[str, Any]:
    """How updates stand on a running machine."""
    found: dict[str, Any] = json.loads(machine.output("codex update status --json"))
    return found
