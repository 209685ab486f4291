# SPDX-License-Identifier: Apache-2.0
"""The door of the page: what may be asked for, and when it is refused."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from codex_agent.config.update import Loaded
from codex_agent.problem import Problem
from codex_agent.update import lock, state
from codex_agent.update.exits import Exit
from tests.unit.agent.update.asking import NEW, WAIT_S, Asking, Door, refused, untouched, written
from tests.unit.agent.update.hosts import OLD, RUNNING, policy

if TYPE_CHECKING:
    from codex_agent.update.program import Done
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder


def test_check_then_apply_then_restart(machine: Host, folder: Folder, door: Door) -> None:
    folder.add(NEW, seed=4)
    looking = door({"action": "check"})
    assert looking.heard()["accepted"] is True
    assert looking.ended() == 0
    assert written(machine)["offered"]["version"] == NEW
    assert written(machine)["ended"]["by"] == "page"
    applying = door({"action": "apply", "version": NEW})
    assert applying.heard()["message"] == f"Version {NEW} is being fetched and written."
    assert applying.ended() == 0
    assert f"codex-os_{NEW}+3-0.efi" in machine.entries()
    assert "starts at the next restart" in written(machine)["ended"]["message"]
    assert ["systemctl", "reboot"] not in machine.calls
    restarting = door({"action": "restart", "version": NEW})
    assert restarting.heard()["message"] == f"The host restarts into version {NEW}."
    assert restarting.ended() == 0
    assert machine.started("systemctl")[1:] == [["systemctl", "reboot"]]


def test_a_restart_drains_as_the_policy_says(machine: Host, folder: Folder, door: Door) -> None:
    folder.add(NEW)
    door({"action": "check"}).ended()
    door({"action": "apply", "version": NEW}).ended()
    machine.calls.clear()
    hook = {"drain_before": (("/opt/hook", "drain"),)}
    assert door({"action": "restart", "version": NEW}, **hook).ended() == 0
    called = [call[0] for call in machine.calls if call[0] in ("/opt/hook", "systemctl")]
    assert called == ["/opt/hook", "systemctl"]


def test_rollback(machine: Host, door: Door) -> None:
    going = door({"action": "rollback", "version": OLD})
    assert going.heard()["accepted"] is True
    assert going.ended() == 0
    assert machine.started("bootctl") == [["bootctl", "set-default", f"codex-os_{OLD}.efi"]]
    assert written(machine)["ended"]["message"] == f"Version {OLD} starts from the next restart on."


def test_the_answer_comes_before_the_work(machine: Host, folder: Folder, door: Door) -> None:
    """And one who goes away after it, or before it, stops nothing."""
    folder.add(NEW)
    door({"action": "check"}).ended()
    held, go = threading.Event(), threading.Event()

    def wait(_argv: object) -> None:
        held.set()
        assert go.wait(WAIT_S)

    machine.before["systemd-sysupdate"] = wait
    asking = door({"action": "apply", "version": NEW})
    assert asking.heard()["accepted"] is True
    assert held.wait(WAIT_S)
    assert asking.status is None
    go.set()
    assert asking.ended() == 0
    assert f"codex-os_{NEW}+3-0.efi" in machine.entries()


def test_one_who_does_not_wait_for_the_answer_is_served(machine: Host, door: Door) -> None:
    asking = door({"action": "rollback", "version": OLD}, closed=False)
    asking.client.sendall(b"\n")
    asking.client.close()
    assert asking.ended() == 0
    assert machine.started("bootctl")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the lock for longer than a test may."""
    monkeypatch.setattr("codex_agent.cli.update.PATIENCE_S", 0.2)


@pytest.mark.usefixtures("impatient")
def test_two_at_once(machine: Host, folder: Folder, door: Door) -> None:
    folder.add(NEW)
    machine.system.state.mkdir(parents=True, mode=0o700)
    with lock.taken(machine.system.state):
        for request in ({"action": "check"}, {"action": "rollback", "version": OLD}):
            said = refused(door(request), "busy", "Another update is under way")
            assert said["exit_code"] == Exit.BUSY
    untouched(machine)


@pytest.mark.parametrize("version", [OLD, RUNNING, "0.1.12", "9"])
def test_another_version_than_the_one_that_is_offered(
    machine: Host, folder: Folder, door: Door, version: str
) -> None:
    folder.add(NEW)
    folder.add("0.1.10")
    door({"action": "check"}).ended()
    refused(door({"action": "apply", "version": version}), "failed", "is not the one")
    untouched(machine)


def test_nothing_was_looked_for(machine: Host, folder: Folder, door: Door) -> None:
    folder.add(NEW)
    refused(door({"action": "apply", "version": NEW}), "failed", "is offered (none)")


def test_the_offer_is_the_running_version(machine: Host, folder: Folder, door: Door) -> None:
    folder.add(RUNNING)
    door({"action": "check"}).ended()
    refused(door({"action": "apply", "version": RUNNING}), "failed", "nothing is newer")


def test_on_trial_nothing_is_overwritten(machine: Host, folder: Folder, door: Door) -> None:
    folder.add(NEW)
    machine.rename(f"codex-os_{RUNNING}.efi", f"codex-os_{RUNNING}+2-1.efi")
    door({"action": "check"}).ended()
    said = refused(door({"action": "apply", "version": NEW}), "not_blessed")
    assert said["exit_code"] == Exit.NOT_BLESSED


def test_a_version_that_was_given_up(machine: Host, folder: Folder, door: Door) -> None:
    folder.add(NEW)
    door({"action": "check"}).ended()
    machine.put(f"/efi/EFI/Linux/codex-os_{NEW}+0-3.efi", b"uki")
    refused(door({"action": "apply", "version": NEW}), "bad_version", "was tried on this host")
    refused(door({"action": "rollback", "version": NEW}), "nothing_to_roll_back")


def test_the_way_back_leads_to_what_is_there(machine: Host, door: Door) -> None:
    refused(door({"action": "rollback", "version": "0.1.8"}), "nothing_to_roll_back")
    refused(door({"action": "rollback", "version": RUNNING}), "nothing_to_roll_back")
    untouched(machine)


@pytest.mark.parametrize("version", [OLD, RUNNING, NEW])
def test_a_restart_that_brings_nothing_else(machine: Host, door: Door, version: str) -> None:
    refused(door({"action": "restart", "version": version}), "failed", "another start would bring")
    untouched(machine)


def test_what_fails_after_the_answer_is_told_to_everybody(
    machine: Host, folder: Folder, door: Door
) -> None:
    folder.add(NEW)
    door({"action": "check"}).ended()
    folder.path.rename(folder.path.with_name("unplugged"))
    asking = door({"action": "apply", "version": NEW})
    assert asking.heard()["accepted"] is True
    assert asking.ended() == Exit.UNREACHABLE
    ended = written(machine)["ended"]
    assert (ended["good"], ended["exit_code"], ended["by"]) == (False, Exit.UNREACHABLE, "page")
    assert ended["message"].endswith("is not a folder.")
    untouched(machine)


def test_the_policy_closes_it(machine: Host, door: Door) -> None:
    for request in ({"action": "check"}, {"action": "rollback", "version": OLD}):
        refused(door(request, page=False), "by_policy", "permits no updates by the page")
    untouched(machine)
    assert not machine.system.state.exists()


def test_a_policy_with_a_mistake_closes_it(machine: Host) -> None:
    """It may be the very file that should have closed it."""
    loaded = Loaded(policy(), {}, [Problem("It is not TOML.", "Correct it.")])
    asking = Asking(machine, loaded)
    asking.client.sendall(b'{"action": "check"}\n')
    refused(asking, "by_policy", "has a mistake")
    untouched(machine)


def test_not_on_a_host_that_is_no_image(machine: Host, door: Door) -> None:
    machine.put("/etc/os-release", b"ID=debian\n")
    refused(door({"action": "check"}), "no_image", "was not booted from an image")


@pytest.mark.usefixtures("impatient")
def test_a_refusal_at_the_door_changes_no_news(machine: Host, folder: Folder, door: Door) -> None:
    folder.add(NEW)
    door({"action": "check"}).ended()
    before = written(machine)["ended"]
    door(b"garbage").ended()
    with lock.taken(machine.system.state):
        door({"action": "check"}).ended()
    assert written(machine)["ended"] == before
    assert state.load(machine.system.state).state.last_error is None


def test_programs_that_are_started_do_not_get_the_connection(machine: Host, door: Door) -> None:
    """The answer is the end of it, whatever goes on."""
    kept: list[bool] = []
    answered = threading.Event()

    def look(_argv: object) -> Done | None:
        assert answered.wait(WAIT_S)
        kept.append(asking.client.recv(1) == b"")
        return None

    asking = Asking(machine, Loaded(policy(), {}, []))
    machine.before["bootctl"] = look
    asking.client.sendall(json.dumps({"action": "rollback", "version": OLD}).encode() + b"\n")
    content = b""
    while not content.endswith(b"\n"):
        content += asking.client.recv(4096)
    answered.set()
    assert asking.ended() == 0
    assert kept == [True]
