# SPDX-License-Identifier: Apache-2.0
"""The WebSocket: who may listen, what arrives, and readers that are slow or hostile."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

from codex_agent.api import realtime
from codex_agent.api.realtime import Hub
from codex_agent.host.plain import plain
from codex_agent.host.reading import Unreadable
from codex_agent.host.sampler import Sampler
from codex_agent.update.known import Reader
from tests.unit.agent import trees
from tests.unit.agent.running import WAIT_S, Listening, Running, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from codex_agent.host.snapshot import Sample
    from tests.unit.agent.trees import Tree

INTERVAL = 0.05


@pytest.fixture
def live(tree: Tree, tmp_path: Path) -> Iterator[Running]:
    trees.image_secure_boot(tree)
    with running(tree, tmp_path, interval_s=INTERVAL) as found:
        yield found


def receive(connection: Listening, *, updates: bool = False) -> dict[str, Any]:
    """Return the next message; those on updates only where they are asked for."""
    while True:
        message: dict[str, Any] = json.loads(connection.recv(WAIT_S))
        if updates or message["type"] != "updates":
            return message


def closing(connection: Listening) -> int | None:
    """Read to the end and return the code that the server closed with."""
    while True:
        try:
            connection.recv(WAIT_S)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


def test_greeting_then_the_host_then_changes(live: Running) -> None:
    with live.listen() as connection:
        assert receive(connection) == {
            "type": "connected", "version": "0.1.57", "interval_ms": round(INTERVAL * 1000),
        }  # fmt: skip
        first = receive(connection)
        assert (first["type"], first["seq"]) == ("host", 1)
        with live.client(headers=live.bearer) as client:
            body = client.get("/api/host").json()["data"]
        assert {k: v for k, v in first["data"].items() if k != "readings"} == {
            k: v for k, v in body.items() if k != "readings"
        }
        live.tree.put("/proc/loadavg", "7.00 0.20 0.30 1/100 4242\n")
        second = receive(connection)
        assert second["seq"] == 2
        assert second["data"]["cpu"]["load"][0] == 7.0


def test_no_change_no_message(live: Running) -> None:
    with live.listen() as connection:
        receive(connection)
        receive(connection)
        assert receive(connection, updates=True)["type"] == "updates"
        # Many samples long; uptime and ages alone are no news.
        for number in range(5):
            live.tree.clock.passed += 1
            live.tree.put("/proc/uptime", f"{100 + number}.00 1.00\n")
        with pytest.raises(TimeoutError):
            connection.recv(INTERVAL * 8)


def test_session_cookie(live: Running) -> None:
    with live.client() as client:
        client.post("/api/session", json={"token": live.token})
        cookie = f"codex_session={client.cookies['codex_session']}"
        headers = {"Cookie": cookie, "Origin": live.url}
        with live.listen(headers) as connection:
            assert receive(connection)["type"] == "connected"
            receive(connection)
            client.delete("/api/session")
            # Who has signed out gets nothing more.
            live.tree.put("/proc/loadavg", "8.00 0.20 0.30 1/100 4242\n")
            message = receive(connection)
            assert (message["type"], message["code"]) == ("error", "unauthorized")
            assert closing(connection) == realtime.CLOSE_AUTH


@pytest.mark.parametrize(
    ("headers", "code", "close"),
    [
        ({}, "unauthorized", 4401),
        ({"Authorization": "Bearer wrong"}, "unauthorized", 4401),
        ({"Cookie": "codex_session=made-up"}, "unauthorized", 4401),
        ({"Origin": "https://evil.example"}, "foreign_origin", 4403),
        ({"Origin": "null"}, "foreign_origin", 4403),
    ],
)
def test_refusals(live: Running, headers: dict[str, str], code: str, close: int) -> None:
    headers = {**live.bearer, **headers} if "Origin" in headers else headers
    with live.listen(headers) as connection:
        message = receive(connection)
        assert set(message) == {"type", "code", "message", "hint"}
        assert (message["type"], message["code"]) == ("error", code)
        assert closing(connection) == close
    assert not live.service.hub._listeners


def test_messages_that_are_too_long(live: Running) -> None:
    with live.listen() as connection:
        connection.send("x" * (realtime.MESSAGE_MAX + 1))
        assert closing(connection) == 1009
    with live.listen() as connection:
        # The server has closed by the head of this frame: the rest may or may not find a reader.
        with suppress(ConnectionClosed):
            connection.send(b"x" * 200_000)
        assert closing(connection) in (1009, None)


def test_chatter_is_ignored(live: Running) -> None:
    with live.listen() as connection:
        for _ in range(50):
            connection.send("hello")
            connection.send(b"\x00\xff")
        connection.ping()
        assert receive(connection)["type"] == "connected"


def test_a_slow_reader_gets_the_newest_only(live: Running) -> None:
    """A reader that stops is neither cut off nor buffered for; it then sees the newest state."""
    changes = threading.Event()

    def change() -> None:
        number = 0
        while not changes.wait(INTERVAL / 2):
            number += 1
            live.tree.put("/proc/loadavg", f"{number}.00 0.20 0.30 1/100 4242\n")

    worker = threading.Thread(target=change)
    worker.start()
    try:
        with live.listen(max_queue=1, close_timeout=0.1) as slow, live.listen() as quick:
            receive(quick)
            seen = [receive(quick)["seq"] for _ in range(20)]
            assert seen == sorted(seen)
            # The slow one has not held up the quick one; its next messages skip what it missed.
            first, later = receive(slow), [receive(slow) for _ in range(2)]
            assert first["type"] == "connected"
            assert all(message["type"] == "host" for message in later)
    finally:
        changes.set()
        worker.join()


def test_sampling_stops_with_the_last_listener(live: Running) -> None:
    hub = live.service.hub
    with live.listen() as connection:
        receive(connection)
        receive(connection)
        assert hub._task
    for _ in range(int(WAIT_S * 100)):
        if not hub._listeners:
            break
        threading.Event().wait(0.01)
    assert not hub._listeners
    assert hub._task is None


def test_too_many_listeners(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "_CLIENTS_MAX", 1)
    with live.listen() as first:
        receive(first)
        with live.listen() as second:
            assert receive(second)["code"] == "busy"
            assert closing(second) == 1013


def test_stopping_says_farewell(tree: Tree, tmp_path: Path) -> None:
    trees.image(tree)
    with running(tree, tmp_path, interval_s=INTERVAL) as live, ExitStack() as stack:
        connections = [stack.enter_context(live.listen()) for _ in range(5)]
        for connection in connections:
            receive(connection)
        live.server.end()
        assert {closing(connection) for connection in connections} == {1012}


def test_stopping_while_a_client_closes_half_way(tree: Tree, tmp_path: Path) -> None:
    """A closing handshake that never ends must not keep the service from stopping in order."""
    trees.image(tree)
    with running(tree, tmp_path, interval_s=INTERVAL) as live, live.raw() as connection:
        head = (
            "GET /api/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        connection.sendall(head.encode())
        # Without a token the server closes; this client never answers that.
        answer = b""
        while b"unauthorized" not in answer:
            answer += connection.recv(65536)
        live.server.end()
    assert not live.server.server_state.connections


def test_a_host_that_cannot_be_read_is_no_end(tree: Tree, tmp_path: Path) -> None:
    trees.image(tree)
    broken = True

    def take() -> Sample:
        if broken:
            raise Unreadable("a device hangs")
        return tree.sample()

    with running(tree, tmp_path, interval_s=INTERVAL, take=take) as live, live.listen() as listener:
        assert receive(listener)["type"] == "connected"
        assert receive(listener, updates=True)["type"] == "updates"
        with pytest.raises(TimeoutError):
            listener.recv(INTERVAL * 4)
        broken = False
        assert receive(listener)["type"] == "host"


def test_the_certificate_is_checked(live: Running) -> None:
    strange = Listening(
        f"wss://127.0.0.1:{live.port}/api/realtime", ssl.create_default_context(), {}, {}
    )
    with pytest.raises(ssl.SSLCertVerificationError), strange:
        pass


def test_hub_skips_for_slow_listeners(tree: Tree) -> None:
    """Whatever is published in between, a listener that wakes finds the newest."""
    trees.image(tree)

    async def trial() -> None:
        clock = tree.clock.monotonic
        hub = Hub(Sampler(tree.sample, clock), 60.0, clock, Reader(tree.root).updates)
        listener = hub.join()
        for load in range(1, 6):
            tree.put("/proc/loadavg", f"{load}.00 0.20 0.30 1/100 4242\n")
            hub._publish(plain(tree.sample().shown(tree.clock.monotonic())))
        assert listener.news.is_set()
        assert hub.host.sequence == 5
        assert json.loads(hub.host.message)["data"]["cpu"]["load"][0] == 5.0
        hub.leave(listener)

    asyncio.run(trial())


def test_sampler_survives_a_device_that_hangs(tree: Tree) -> None:
    trees.image(tree)
    hang = threading.Event()
    started = 0

    def take() -> Sample:
        nonlocal started
        started += 1
        hang.wait(WAIT_S)
        return tree.sample()

    async def trial() -> None:
        sampler = Sampler(take, tree.clock.monotonic, timeout_s=0.05)
        waiting = [sampler.get(0.0) for _ in range(5)]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, Unreadable) for result in results)
        with pytest.raises(Unreadable, match="a device may hang"):
            await sampler.get(0.0)
        assert started == 1
        hang.set()
        # The thread that hung delivers after all, and no second one was needed.
        assert (await sampler.get(10.0)).host.hostname == "codex"
        assert started == 1

    asyncio.run(trial())
