# SPDX-License-Identifier: Apache-2.0
"""The HTTP interface over real TLS: answers, refusals, and their one shape."""

from __future__ import annotations

import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.api.outer import POLICY
from codex_agent.host.reading import Unreadable
from tests.unit.agent import trees
from tests.unit.agent.running import Running, page_files, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from codex_agent.host.snapshot import Sample
    from tests.unit.agent.trees import Tree


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("live")
    (folder / "host").mkdir()
    tree = trees.image_secure_boot(trees.Tree(folder / "host"))
    with running(tree, folder, files=page_files(folder), allowed_hosts=("Box.Example",)) as found:
        yield found


@pytest.fixture
def client(live: Running) -> Iterator[httpx.Client]:
    with live.client() as found:
        yield found


def error(response: httpx.Response, status: int, code: str) -> dict[str, str]:
    """Check the envelope of an error and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["success", "data", "error"]
    assert (body["success"], body["data"]) == (False, None)
    assert set(body["error"]) == {"code", "message", "hint"}
    assert body["error"]["code"] == code
    assert all(body["error"].values())
    assert_headers(response)
    found: dict[str, str] = body["error"]
    return found


def assert_headers(response: httpx.Response) -> None:
    headers = response.headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "cache-control" in headers
    assert "date" in headers
    assert len(headers["x-request-id"]) == 16
    assert not any(name.startswith("access-control") for name in headers)
    assert "server" not in headers


def test_health_needs_no_token(client: httpx.Client) -> None:
    response = client.get("/health")
    assert (response.status_code, response.text) == (200, "OK\n")
    assert_headers(response)


def test_ready(client: httpx.Client, live: Running) -> None:
    response = client.get("/health/ready", headers=live.bearer)
    assert response.status_code == 200, response.text
    data = response.json()["data"]
    assert data["ready"] is True
    assert {c["name"]: c["state"] for c in data["checks"]} == {
        "sampler": "ok", "page": "ok", "certificate": "ok"
    }  # fmt: skip


def test_host(client: httpx.Client, live: Running) -> None:
    response = client.get("/api/host", headers=live.bearer)
    assert response.status_code == 200
    assert_headers(response)
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert (body["success"], body["error"]) == (True, None)
    assert body["data"]["image"]["version"] == "0.1.57"
    assert body["data"]["pci"][0]["class"] == "030000"
    assert '"secure_boot": true' in response.text
    assert '"state": "active"' in response.text
    assert response.text.endswith("\n")


@pytest.mark.parametrize("path", ["/api/host", "/health/ready", "/openapi.json"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Cookie": "codex_session=made-up"},
    ],
)
def test_without_the_right_token(
    client: httpx.Client, live: Running, path: str, headers: dict[str, str]
) -> None:
    live.service.guard._guesses.clear()
    found = error(client.get(path, headers=headers), 401, "unauthorized")
    assert live.token not in json.dumps(found)


def test_a_token_in_the_address_is_no_token(client: httpx.Client, live: Running) -> None:
    error(client.get("/api/host", params={"token": live.token}), 401, "unauthorized")


def test_guessing_is_slowed_down(client: httpx.Client, live: Running) -> None:
    live.service.guard._guesses.clear()
    answers = [
        client.get("/api/host", headers={"Authorization": f"Bearer guess{n}"}) for n in range(14)
    ]
    codes = [answer.status_code for answer in answers]
    assert codes[:10] == [401] * 10
    assert set(codes[10:]) == {429}
    assert int(answers[-1].headers["retry-after"]) >= 1
    # The right one is not held up by others behind the same address.
    assert client.get("/api/host", headers=live.bearer).status_code == 200
    live.service.guard._guesses.clear()


def test_session(live: Running) -> None:
    with live.client() as client:
        response = client.post("/api/session", json={"token": live.token})
        assert response.status_code == 204
        cookie = response.headers["set-cookie"]
        for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/", "Max-Age=43200"):
            assert part.lower() in cookie.lower()
        assert live.token not in cookie
        assert client.get("/api/host").status_code == 200
        kept = {"Cookie": f"codex_session={client.cookies['codex_session']}"}
        assert client.delete("/api/session").status_code == 204
        # Not only the cookie is gone: its value is void.
        assert client.get("/api/host", headers=kept).status_code == 401


def test_session_runs_out(live: Running) -> None:
    now = 0.0
    guard = type(live.service.guard)("t" * 32, lambda: now)
    name = guard.open_session()
    now = 12 * 3600 - 1.0
    assert guard.is_session(name)
    now = 12 * 3600 + 1.0
    assert not guard.is_session(name)


def test_sessions_are_bounded(live: Running) -> None:
    guard = type(live.service.guard)("t" * 32, lambda: 0.0)
    names = [guard.open_session() for _ in range(300)]
    assert len(guard._sessions) == 256
    assert not guard.is_session(names[0])
    assert guard.is_session(names[-1])


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad_json"),
        (b"", "application/json", 422, "invalid"),
        (b"[]", "application/json", 422, "invalid"),
        (b'{"token": 7}', "application/json", 422, "invalid"),
        (b'{"token": "x", "y": 1}', "application/json", 422, "invalid"),
        (b"token=x", "application/x-www-form-urlencoded", 422, "invalid"),
        (b'{"token": "' + b"s3cret" * 200 + b'"}', "application/json", 422, "invalid"),
        (b"\xff\xfe", "application/json", 400, "bad_json"),
        (b"[" * 5000, "application/json", 400, "bad_json"),
    ],
)
def test_bad_bodies(
    client: httpx.Client, content: bytes, kind: str, status: int, code: str
) -> None:
    response = client.post("/api/session", content=content, headers={"Content-Type": kind})
    found = error(response, status, code)
    assert "s3cret" not in json.dumps(found)


def test_wrong_token_opens_no_session(client: httpx.Client, live: Running) -> None:
    live.service.guard._guesses.clear()
    response = client.post("/api/session", json={"token": "wrong"})
    error(response, 401, "unauthorized")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/assets/nothing.js", 404, "not_found"),
        ("GET", "/api/host/", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/redoc", 404, "not_found"),
        ("GET", "/link", 404, "not_found"),
        ("GET", "/..%2f..%2fsecret", 404, "not_found"),
        ("GET", "/assets/..%2f..%2fsecret", 404, "not_found"),
        ("GET", "/assets/%2e%2e/index.html", 404, "not_found"),
        ("GET", "/%00", 404, "not_found"),
        ("GET", "/%ff%fe", 404, "not_found"),
        ("POST", "/api/host", 405, "method_not_allowed"),
        ("PUT", "/api/session", 405, "method_not_allowed"),
        ("DELETE", "/health", 405, "method_not_allowed"),
        ("OPTIONS", "/api/host", 405, "method_not_allowed"),
        ("TRACE", "/health", 405, "method_not_allowed"),
        ("POST", "/", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_there(
    client: httpx.Client, live: Running, method: str, path: str, status: int, code: str
) -> None:
    response = client.request(method, path, headers=live.bearer)
    error(response, status, code)
    if status == 405:
        allowed = response.headers["allow"].split(", ")
        assert method not in allowed
        if path == "/api/session":
            assert allowed == ["DELETE", "POST"]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "a b", "[::2]", "127.0.0.2", "x:y"]
)
def test_foreign_names(client: httpx.Client, live: Running, host: str) -> None:
    error(client.get("/api/host", headers={**live.bearer, "Host": host}), 421, "unknown_host")
    error(client.get("/health", headers={"Host": host}), 421, "unknown_host")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:1", "codex", "codex.", "[::1]:3030", "127.0.0.1:443", "box.example"],
)
def test_own_names(client: httpx.Client, live: Running, host: str) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1", "file://", "x" * 900],
)
def test_foreign_origins(client: httpx.Client, live: Running, origin: str) -> None:
    headers = {**live.bearer, "Origin": origin}
    error(client.get("/api/host", headers=headers), 403, "foreign_origin")
    body = {"token": live.token}
    error(client.post("/api/session", json=body, headers=headers), 403, "foreign_origin")


def test_own_origin(client: httpx.Client, live: Running) -> None:
    headers = {**live.bearer, "Origin": live.url}
    assert client.get("/api/host", headers=headers).status_code == 200


def test_page(client: httpx.Client) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert_headers(response)
    assert "Codex OS" in response.text
    known = {"If-None-Match": response.headers["etag"]}
    assert client.get("/", headers=known).status_code == 304
    assert client.head("/").text == ""
    script = client.get("/assets/index-0a1b.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    assert client.get("/favicon.svg").headers["content-type"].startswith("image/svg+xml")


def test_openapi(client: httpx.Client, live: Running) -> None:
    response = client.get("/openapi.json", headers=live.bearer)
    assert response.json()["openapi"].startswith("3.")


def test_plain_http_and_old_tls_are_refused(live: Running) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", live.port), 30) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" not in plain.recv(1000)
    context = live.context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    plain = socket.create_connection(("127.0.0.1", live.port), 30)
    with plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")


def test_hundred_clients_at_once(live: Running) -> None:
    def ask(_number: int) -> int:
        with live.client() as client:
            return client.get("/api/host", headers=live.bearer).status_code

    with ThreadPoolExecutor(100) as pool:
        assert list(pool.map(ask, range(100))) == [200] * 100


def test_clients_share_a_snapshot(tree: Tree, tmp_path: Path) -> None:
    trees.image(tree)
    taken = 0

    def take() -> Sample:
        nonlocal taken
        taken += 1
        return tree.sample()

    with running(tree, tmp_path, take=take) as live, live.client(headers=live.bearer) as client:
        # The clock of the host stands still, so no snapshot grows old.
        live.service.sampler._monotonic = tree.clock.monotonic
        for _ in range(5):
            assert client.get("/api/host").status_code == 200
        assert taken == 1
        tree.clock.passed += 2.0
        client.get("/api/host")
        assert taken == 2


def test_without_a_page(tree: Tree, tmp_path: Path) -> None:
    trees.image(tree)
    with running(tree, tmp_path) as live, live.client() as client:
        found = error(client.get("/"), 503, "no_page")
        assert found["hint"] == "make image builds it."
        response = client.get("/health/ready", headers=live.bearer)
        assert response.status_code == 503
        body = response.json()
        assert body["success"] is False
        assert body["data"]["ready"] is False
        assert body["error"]["code"] == "not_ready"


def test_certificate_that_has_run_out_is_not_ready(tree: Tree, tmp_path: Path) -> None:
    trees.image(tree)
    with running(tree, tmp_path, files=page_files(tmp_path)) as live, live.client() as client:
        tree.clock.passed += 91 * 86400
        response = client.get("/health/ready", headers=live.bearer)
        assert response.status_code == 503
        assert "certificate has run out" in response.json()["error"]["message"]


def test_defects_are_not_told(tree: Tree, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def take() -> Sample:
        raise RuntimeError("a secret detail")

    with running(tree, tmp_path, take=take) as live, live.client() as client:
        response = client.get("/api/host", headers=live.bearer)
        found = error(response, 500, "internal")
        assert "secret" not in response.text
        assert response.headers["x-request-id"] in found["hint"]
        assert client.get("/health").status_code == 200
    assert "a secret detail" in caplog.text
    assert response.headers["x-request-id"] in caplog.text


def test_a_host_that_cannot_be_read(tree: Tree, tmp_path: Path) -> None:
    def take() -> Sample:
        raise Unreadable("a device hangs")

    with running(tree, tmp_path, take=take) as live, live.client() as client:
        found = error(client.get("/api/host", headers=live.bearer), 503, "unavailable")
        assert "a device hangs" in found["message"]


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def test_answers_are_what_openapi_says(client: httpx.Client, live: Running) -> None:
    document = client.get("/openapi.json", headers=live.bearer).json()
    data = client.get("/api/host", headers=live.bearer).json()["data"]
    assert set(schema(document, "HostSnapshot")["properties"]) == set(data)
    assert set(schema(document, "PciFunction")["properties"]) == set(data["pci"][0])
    assert set(schema(document, "Disk")["properties"]) == set(data["disks"][0])
    assert set(schema(document, "Filesystem")["properties"]) == set(data["filesystems"][0])
    assert set(schema(document, "Check")["properties"]) == set(data["verdict"]["checks"][0])
