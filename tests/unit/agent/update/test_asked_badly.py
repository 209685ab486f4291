# SPDX-License-Identifier: Apache-2.0
"""The door of the page: what is no request, comes too slowly, or is too much."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.cli.answer import taken
from codex_agent.update import asked, known
from codex_agent.update.exits import Exit, UpdateError
from tests.unit.agent.update.asking import NEW, WAIT_S, Door, refused, untouched
from tests.unit.agent.update.hosts import OLD

if TYPE_CHECKING:
    from tests.unit.agent.update.hosts import Host


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


def test_it_is_for_a_socket(tmp_path: Any) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(UpdateError, match="no connection on standard input"):
        taken(handle)
    os.close(handle)


def test_the_command_takes_the_connection_on_its_standard_input() -> None:
    """As systemd gives it; on the machine that tests, all it can do is refuse."""
    repository = Path(__file__).resolve().parents[4]
    client, inside = socket.socketpair()
    with client, inside:
        client.settimeout(WAIT_S)
        client.sendall(b'{"action": "check"}\n')
        done = subprocess.run(
            [sys.executable, "-m", "codex_agent", "update", "answer"],
            stdin=inside.fileno(), text=True, capture_output=True, timeout=WAIT_S, check=False,
            env={**os.environ, "PYTHONPATH": str(repository)},
        )  # fmt: skip
        inside.close()
        said = json.loads(client.makefile().read())
    assert said["accepted"] is False
    assert done.returncode == said["exit_code"] in (Exit.NO_IMAGE, Exit.DENIED)
    assert done.stderr.splitlines() == [f"codex: {said['message']}", f"hint: {said['hint']}"]
