# SPDX-License-Identifier: Apache-2.0
"""The door of the page: what passes, and everything that must not."""

from __future__ import annotations

import json
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.cli.answer import answer, taken
from codex_agent.config.update import Loaded
from codex_agent.errors import CodexError
from codex_agent.problem import Problem
from codex_agent.update import asked, known, lock, state
from codex_agent.update.exits import Exit, UpdateError
from tests.unit.agent.update.hosts import OLD, RUNNING, policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.update.program import Done
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"
WAIT_S = 60.0


class Asking:
    """One connection to the door: ``say`` sends bytes, the end of it is what was answered."""

    def __init__(self, machine: Host, loaded: Loaded) -> None:
        self.client, inside = socket.socketpair()
        self.client.settimeout(WAIT_S)
        self.status: int | None = None
        self.error: CodexError | None = None
        # Its own descriptor: what stands in for standard input is closed behind the answer.
        self._handle = os.dup(inside.fileno())
        inside.close()
        self._thread = threading.Thread(target=self._serve, args=(machine, loaded), daemon=True)
        self._thread.start()

    def _serve(self, machine: Host, loaded: Loaded) -> None:
        try:
            self.status = answer(machine.system, loaded, self._handle)
        except CodexError as error:
            self.error, self.status = error, error.exit_code
        finally:
            os.close(self._handle)

    def heard(self) -> dict[str, Any]:
        content = b""
        while part := self.client.recv(4096):
            content += part
        self.client.close()
        found: dict[str, Any] = json.loads(content)
        assert set(found) == {"accepted", "kind", "message", "hint", "exit_code"}
        assert content.endswith(b"\n")
        return found

    def ended(self) -> int | None:
        self._thread.join(WAIT_S)
        self.client.close()
        assert not self._thread.is_alive()
        return self.status


Door = Any


@pytest.fixture
def door(machine: Host, folder: Folder) -> Callable[..., Asking]:
    """Ask the machine, whose source is the folder."""

    def ask(request: object, *, closed: bool = True, **changes: object) -> Asking:
        changes = {"source": str(folder.path), **changes}
        asking = Asking(machine, Loaded(policy(**changes), {}, []))
        content = request if isinstance(request, bytes) else json.dumps(request).encode()
        asking.client.sendall(content)
        if closed:
            asking.client.shutdown(socket.SHUT_WR)
        return asking

    return ask


def written(machine: Host) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((machine.base / known.PLACE.lstrip("/")).read_text())
    return found


def refused(asking: Asking, kind: str, words: str = "") -> dict[str, Any]:
    said = asking.heard()
    assert asking.ended() == said["exit_code"] != 0
    assert said["accepted"] is False
    assert said["kind"] == kind
    assert words in said["message"]
    assert said["hint"]
    return said


def untouched(machine: Host) -> None:
    assert set(machine.entries()) == {f"codex-os_{OLD}.efi", f"codex-os_{RUNNING}.efi"}
    assert not machine.started("bootctl")
    assert not machine.started("systemctl")


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
    assert not machine.started("systemctl")
    restarting = door({"action": "restart", "version": NEW})
    assert restarting.heard()["message"] == f"The host restarts into version {NEW}."
    assert restarting.ended() == 0
    assert machine.started("systemctl") == [["systemctl", "reboot"]]


def test_a_restart_drains_as_the_policy_says(machine: Host, folder: Folder, door: Door) -> None:
    folder.add(NEW)
    door({"action": "check"}).ended()
    door({"action": "apply", "version": NEW}).ended()
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


GARBAGE = [
    b"", b"\n", b"{", b"[]", b"null", b'"check"', b"\xff\xfe{}", b"{}\n{}", b"[" * 4000,
    b'{"action":"check"}{"action":"check"}', b'{"action":"check"}\n{"action":"check"}\n',
    b'{"action":"check","action":"apply"}', b'{"action": NaN}', b"GET / HTTP/1.1\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage(machine: Host, door: Door, garbage: bytes) -> None:
    refused(door(garbage), "usage", "The request is not valid")
    untouched(machine)
    assert not (machine.base / known.PLACE.lstrip("/")).exists()


@pytest.mark.parametrize("request_", [
    {}, {"action": 1}, {"action": "status"}, {"action": "factory-reset"}, {"action": "apply "},
    {"action": "APPLY", "version": NEW}, {"action": ["apply"], "version": NEW},
    {"action": "check", "version": NEW}, {"action": "check", "source": "https://evil.example/"},
    {"action": "apply"}, {"action": "rollback"}, {"action": "restart"},
    {"action": "apply", "version": NEW, "source": "/tmp"},
    {"action": "apply", "version": NEW, "allow_older": True},
    {"action": "apply", "version": NEW, "again": True},
    {"action": "rollback", "version": OLD, "once": True},
    {"action": "apply", "version": None}, {"action": "apply", "version": 1},
    {"action": "apply", "version": ["0.1.11"]}, {"action": "apply", "version": ""},
])  # fmt: skip
def test_what_is_not_an_action(machine: Host, door: Door, request_: dict[str, Any]) -> None:
    refused(door(request_), "usage", "The request is not valid")
    untouched(machine)


@pytest.mark.parametrize("version", [
    "..", "../../../etc/shadow", "0..1", "0.1/../../x", "0.1.11\n", "0.1.11\0", "0.1.11\x1b[2J",
    "0.1.11+3-0", "0.1_11", " 0.1.11", "0.1.11 ", "--allow-older", "v0.1.11", "0" * 65,
    "0.1.\uff111", "0.1.11\u202e",
])  # fmt: skip
@pytest.mark.parametrize("action", ["apply", "rollback", "restart"])
def test_what_is_no_version(machine: Host, door: Door, action: str, version: str) -> None:
    said = refused(door({"action": action, "version": version}), "usage", "the version is none")
    assert "shadow" not in json.dumps(said)
    untouched(machine)


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_a_refusal(content: bytes) -> None:
    try:
        found = asked.parse(content)
    except UpdateError as error:
        assert error.kind is Exit.USAGE  # noqa: PT017 - both ends are right
    else:
        assert found.action in ("check", "apply", "rollback", "restart")


def test_too_long(machine: Host, door: Door) -> None:
    long = b'{"action": "check"' + b" " * (asked.LIMIT + 10)
    refused(door(long, closed=False), "usage", "longer than 4096 bytes")


def test_too_slow(machine: Host, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte that trickles in buys no more time."""
    monkeypatch.setattr(asked, "TIME_S", 0.3)
    asking = door(b'{"action"', closed=False)
    over = threading.Event()

    def trickle() -> None:
        while not over.wait(0.05):
            try:
                asking.client.send(b" ")
            except OSError:
                return

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        refused(asking, "usage", "did not arrive within")
    finally:
        over.set()
        thread.join()
    untouched(machine)


def test_a_whole_line_needs_no_end(machine: Host, door: Door) -> None:
    asking = door(json.dumps({"action": "rollback", "version": OLD}).encode() + b"\n", closed=False)
    assert asking.heard()["accepted"] is True
    assert asking.ended() == 0


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


def test_a_refusal_at_the_door_changes_no_news(machine: Host, folder: Folder, door: Door) -> None:
    folder.add(NEW)
    door({"action": "check"}).ended()
    before = written(machine)["ended"]
    door(b"garbage").ended()
    with lock.taken(machine.system.state):
        door({"action": "check"}).ended()
    assert written(machine)["ended"] == before
    assert state.load(machine.system.state).state.last_error is None


def test_it_is_for_a_socket(tmp_path: Any) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(UpdateError, match="no connection on standard input"):
        taken(handle)
    os.close(handle)


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
