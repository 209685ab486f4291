# SPDX-License-Identifier: Apache-2.0
"""What a hostile or broken client can send, byte by byte."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from codex_agent.api import limits, protocol
from tests.unit.agent import trees
from tests.unit.agent.running import Running, read_all, running

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("limits")
    (folder / "host").mkdir()
    tree = trees.image(trees.Tree(folder / "host"))
    with running(tree, folder) as found:
        yield found


def error_of(answer: bytes) -> tuple[int, str]:
    """Return status and code of a raw answer whose envelope is whole."""
    head, _, body = answer.partition(b"\r\n\r\n")
    content = json.loads(body)
    assert list(content) == ["success", "data", "error"]
    assert content["success"] is False
    return int(head.split(b" ")[1]), content["error"]["code"]


def test_ten_megabytes_are_refused_unread(live: Running) -> None:
    with live.client() as client:
        response = client.post(
            "/api/session", content=b"x" * 10_000_000, headers={"Content-Type": "application/json"}
        )
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_large"
    assert response.headers["connection"] == "close"


def test_ten_megabytes_in_chunks_are_refused(live: Running) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x" * 10_000

    with live.client() as client:
        response = client.post("/api/session", content=chunks())
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_large"


def test_the_answer_does_not_wait_for_the_body(live: Running) -> None:
    head = b"POST /api/session HTTP/1.1\r\n" + HEAD + b"Content-Length: 10000000\r\n\r\n"
    assert error_of(live.say(head)) == (413, "too_large")


def test_a_body_of_just_the_limit_passes(live: Running) -> None:
    for size, status in ((limits.BODY_MAX, 422), (limits.BODY_MAX + 1, 413)):
        body = b'{"token": "' + b"x" * (size - 13) + b'"}'
        assert len(body) == size
        with live.client() as client:
            kind = {"Content-Type": "application/json"}
            assert client.post("/api/session", content=body, headers=kind).status_code == status


def test_bodies_on_other_routes_are_limited_too(live: Running) -> None:
    with live.client() as client:
        response = client.request("GET", "/health", content=b"x" * 100_000)
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"GET /health HTTP/1.1\r\nHost localhost\r\n\r\n", 400, "bad_request"),
        (b"GET /health HTTP/9.9\r\n" + HEAD + b"\r\n", 400, "bad_request"),
        (b"\x16\x03\x01\x00\xa5", 400, "bad_request"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n", 414, "url_too_long"),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 17000 + b"\r\n\r\n", 431,
         "headers_too_large"),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"X: 1\r\n" * 120 + b"\r\n", 431, "headers_too_large"),
        (b"GET /health HTTP/1.1\r\n\r\n", 421, "unknown_host"),
        (b"GET /health HTTP/1.1\r\n" + HEAD + HEAD + b"\r\n", 421, "unknown_host"),
        (b"POST /api/session HTTP/1.1\r\n" + HEAD + b"Content-Length: -1\r\n\r\n", 400,
         "bad_request"),
        (b"POST /api/session HTTP/1.1\r\n" + HEAD
         + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_request"),
        (b"POST /api/session HTTP/1.1\r\n" + HEAD
         + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "bad_request"),
        (b"CONNECT localhost:1 HTTP/1.1\r\n" + HEAD + b"\r\n", 400, "bad_request"),
    ],
)  # fmt: skip
def test_broken_requests(live: Running, data: bytes, status: int, code: str) -> None:
    closing = (
        data.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1) if status == 421 else data
    )
    assert error_of(live.say(closing)) == (status, code)


def test_headers_without_end_are_cut(live: Running) -> None:
    """A line that never ends must not fill the memory."""
    with live.raw() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + HEAD + b"X: ")
        try:
            for _ in range(100):
                connection.sendall(b"a" * 10_000)
        except OSError:
            pass
        assert b" 431 " in read_all(connection)


@pytest.mark.parametrize("end", [b"0\r\nX: ", b"1;x="])
def test_what_follows_a_body_without_end_is_cut(live: Running, end: bytes) -> None:
    """Trailers and chunk extensions are no body and must not fill the memory either."""
    sent = 0
    with live.raw() as connection:
        head = b"POST /api/session HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + end)
        with suppress(OSError):
            while sent < 100_000_000:
                connection.sendall(b"a" * 50_000)
                sent += 50_000
    assert sent < 100_000_000


def test_a_body_and_the_next_head_in_one_piece(live: Running) -> None:
    body = b'{"token": "' + b"x" * 60_000 + b'"}'
    one = b"POST /api/session HTTP/1.1\r\n" + HEAD + b"Content-Type: application/json\r\n"
    one += b"Content-Length: %d\r\n\r\n" % len(body) + body
    with live.raw() as connection:
        connection.sendall(one + b"GET /health HT")
        assert b" 422 " in connection.recv(65536)
        connection.sendall(b"TP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n")
        assert b"HTTP/1.1 200 OK" in read_all(connection)


@pytest.mark.parametrize("start", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: loc"])
def test_slow_heads_are_given_up(
    live: Running, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEADERS_S", 0.1)
    assert error_of(live.say(start)) == (408, "too_slow")


def test_slow_bodies_are_given_up(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_S", 0.1)
    data = b"POST /api/session HTTP/1.1\r\n" + HEAD + b"Content-Length: 100\r\n\r\n{"
    assert error_of(live.say(data)) == (408, "too_slow")


def test_silent_connections_do_not_stop_others(live: Running) -> None:
    silent = [socket.create_connection(("127.0.0.1", live.port), 30) for _ in range(50)]
    half = [live.raw() for _ in range(50)]
    try:
        with live.client() as client:
            assert client.get("/health").status_code == 200
    finally:
        for connection in [*silent, *half]:
            connection.close()


def test_too_many_connections(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "CONNECTIONS_MAX", 0)
    assert error_of(live.say(b"")) == (503, "busy")
    monkeypatch.undo()
    with live.client() as client:
        assert client.get("/health").status_code == 200


def test_pipelined_requests_are_answered_in_order(live: Running) -> None:
    one = b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\n"
    two = b"GET /nothing HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n"
    answer = live.say(one * 3 + two)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.index(b"404 Not Found") > answer.rindex(b"200 OK")


def test_clients_that_vanish_leave_nothing(live: Running) -> None:
    for _ in range(20):
        with live.raw() as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\n")
    with live.client() as client:
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": "*" * 24}, 400),
    ],
)
def test_broken_handshakes(live: Running, change: dict[str, str], status: int) -> None:
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", **change,
    }  # fmt: skip
    with live.client() as client:
        response = client.get("/api/realtime", headers=headers)
    assert response.status_code == status
    assert response.json()["success"] is False


@pytest.mark.parametrize(
    ("path", "host", "status"), [("/other", None, 404), ("/api/realtime", "evil", 421)]
)
def test_handshakes_at_the_wrong_place(
    live: Running, path: str, host: str | None, status: int
) -> None:
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }  # fmt: skip
    if host:
        headers["Host"] = host
    with live.client() as client:
        response = client.get(path, headers=headers)
    assert response.status_code == status
    assert response.json()["success"] is False
    assert "content-security-policy" in response.headers


def test_upgrades_to_something_else_are_plain_requests(live: Running) -> None:
    with live.client() as client:
        headers = {"Connection": "Upgrade", "Upgrade": "h2c"}
        assert client.get("/health", headers=headers).status_code == 200


def test_a_trailing_pile_of_requests_is_not_kept(live: Running) -> None:
    with live.client(limits=httpx.Limits(max_connections=1)) as client:
        for _ in range(200):
            assert client.get("/health").status_code == 200
