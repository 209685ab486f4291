# SPDX-License-Identifier: Apache-2.0
"""Asking systemd over a bus that behaves, and over some that do not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from codex_agent.cli import gate
from codex_agent.host import systemd
from codex_agent.host.reading import Unreadable
from tests.unit.agent import trees
from tests.unit.agent.bus import Bus, Systemd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.agent.trees import Tree


@pytest.fixture
def manager() -> Systemd:
    return Systemd()


@pytest.fixture
def host(tree: Tree, manager: Systemd) -> Iterator[Tree]:
    bus = Bus(tree.path(systemd.SOCKET), manager)
    yield tree
    bus.close()


def test_facts(host: Tree, manager: Systemd) -> None:
    manager.failed = ["z.service", "a.service"]
    reading = systemd.ask(host.root)
    assert reading.value == systemd.Facts("running", ["a.service", "z.service"], "kvm")


def test_no_hypervisor_is_none(host: Tree, manager: Systemd) -> None:
    manager.properties["Virtualization"] = ("s", "")
    reading = systemd.ask(host.root)
    assert reading.value is not None
    assert reading.value.virtualization == "none"


def test_no_bus(tree: Tree) -> None:
    reading = systemd.ask(tree.root)
    assert reading.reason == "the system bus does not run on this host"


def test_nobody_listens(host: Tree, manager: Systemd) -> None:
    import socket

    path = host.path("/run/dbus/dead")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    path.rename(host.path(systemd.SOCKET))
    assert "cannot be reached" in str(systemd.ask(host.root).reason)


def test_bus_that_refuses_the_account(host: Tree, manager: Systemd) -> None:
    manager.broken.add("greeting")
    assert systemd.ask(host.root).reason == "the system bus does not serve this account"


def test_refused_method(host: Tree, manager: Systemd) -> None:
    manager.broken.add("ListUnitsFiltered")
    assert systemd.ask(host.root).reason == "systemd refuses ListUnitsFiltered: not you"


def talk(host: Tree) -> None:
    with systemd.conversation(host.root, 0.2) as c:
        c.prop("SystemState")
        c.failed()


@pytest.mark.parametrize("member", ["Hello", "Get", "ListUnitsFiltered"])
def test_silence_ends(host: Tree, manager: Systemd, member: str) -> None:
    manager.mute.add(member)
    began = time.monotonic()
    with pytest.raises(Unreadable, match="did not answer"):
        talk(host)
    # Bounded at all, not how well: without the bound this never comes back.
    assert time.monotonic() - began < 30


def test_unexpected_answer(host: Tree, manager: Systemd) -> None:
    manager.properties["SystemState"] = ("u", 7)
    assert "unexpected way" in str(systemd.ask(host.root).reason)


def test_where_the_agent_listens(host: Tree, manager: Systemd) -> None:
    with systemd.conversation(host.root) as c:
        assert c.listens("codex-agent.socket") == ["127.0.0.1:3030"]
    manager.properties["LoadState"] = ("s", "not-found")
    with systemd.conversation(host.root) as c:
        assert c.listens("codex-agent.socket") == []


def test_queue_without_what_waits_for_the_gate(host: Tree, manager: Systemd) -> None:
    manager.jobs = [
        (1, "codex-health.service", "start", "running"),
        (2, "boot-complete.target", "start", "waiting"),
        (3, "systemd-bless-boot.service", "start", "waiting"),
        (4, "slow.service", "start", "running"),
    ]
    manager.after = {1: [2], 2: [3], 3: [1]}
    with systemd.conversation(host.root) as c:
        assert gate.queued(c, "codex-health.service") == ["slow.service"]
        assert len(gate.queued(c, None)) == 4


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "PAUSE_S", 0.01)


@pytest.mark.usefixtures("quick")
def test_gate_waits_until_nothing_is_queued(
    host: Tree, manager: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees.image_secure_boot(host)
    manager.properties["SystemState"] = ("s", "starting")
    manager.jobs = [(4, "slow.service", "start", "running")]
    asked = 0
    real = gate.queued

    def until(*arguments: object) -> list[str]:
        nonlocal asked
        asked += 1
        if asked == 3:
            manager.jobs = []
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(gate, "queued", until)
    monkeypatch.setattr("codex_agent.config.inputs.problems", lambda *_: [])
    found = gate.wait(host.root, 60)
    assert asked == 3
    assert found.verdict.state == "healthy"
    assert gate.line(found) == (
        "codex-verdict: healthy version=0.1.57 slot=A verity=active secure-boot=yes"
    )


@pytest.mark.usefixtures("quick")
def test_gate_gives_up_and_says_why(host: Tree, manager: Systemd) -> None:
    trees.image(host)
    manager.jobs = [(4, "slow.service", "start", "running")]
    found = gate.wait(host.root, 0.05)
    assert found.verdict.state == "unknown"
    line = gate.line(found)
    assert line.startswith("codex-verdict: unknown version=0.1.57 slot=A verity=active ")
    assert line.endswith("secure-boot=unavailable because=failed-units")
    assert any("slow.service" in c.message for c in found.verdict.checks)


@pytest.mark.usefixtures("quick")
def test_gate_without_a_bus_is_unknown(tree: Tree) -> None:
    trees.image(tree)
    assert gate.wait(tree.root, 0.05).verdict.state == "unknown"


@pytest.mark.usefixtures("quick")
def test_gate_waits_for_the_verity_state(host: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    trees.image(host)
    host.remove("/run/codex/verity-status")
    naps = 0

    def nap(_seconds: float) -> None:
        nonlocal naps
        naps += 1
        if naps == 2:
            host.put("/run/codex/verity-status", "root: 0 819200 verity V\n")

    monkeypatch.setattr("codex_agent.cli.gate.time.sleep", nap)
    assert gate.wait(host.root, 60).verdict.state == "healthy"
    assert naps == 2


@pytest.mark.usefixtures("quick")
def test_gate_tells_corruption_at_once(host: Tree) -> None:
    trees.corrupted(host)
    found = gate.wait(host.root, 60)
    assert found.verdict.state == "failed"
    assert "verity=corrupted" in gate.line(found)


@pytest.mark.parametrize(
    ("content", "unit"),
    [
        ("0::/system.slice/codex-health.service\n", "codex-health.service"),
        ("0::/user.slice/user-0.slice/session-1.scope\n", None),
        ("1:name=systemd:/x.service\n0::/\n", None),
        ("", None),
    ],
)
def test_own_unit(content: str, unit: str | None) -> None:
    assert gate.own_unit(content) == unit
