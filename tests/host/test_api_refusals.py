# SPDX-License-Identifier: Apache-2.0
"""Bad requests get one kind of answer, and the agent outlives all of them."""

import contextlib
import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from testinfra.host import Host

from tests.support import facts, timeouts
from tests.support.service import Service

pytestmark = pytest.mark.guest

_TEN_MEGABYTES = 10 * 1000 * 1000


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    """Client that is signed in."""
    with service.client(token=service.token) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _same_process(host: Host) -> Iterator[None]:
    """The agent neither ends nor is restarted by any request."""
    before = facts.unit_properties(host, "codex-agent.service", "MainPID", "NRestarts")
    yield
    assert facts.unit_properties(host, "codex-agent.service", "MainPID", "NRestarts") == before


def _refused(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Check the shape that every refusal has and return its error."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"success", "data", "error"}
    assert body["success"] is False
    assert body["data"] is None
    error: dict[str, Any] = body["error"]
    assert re.fullmatch(r"[a-z][a-z_]+", error["code"])
    assert re.fullmatch(r"[^\n]+[.!]", error["message"])
    return error


def test_no_token(service: Service) -> None:
    with service.client() as client:
        _refused(client.get("/api/host"), 401)


def test_wrong_token(service: Service) -> None:
    wrong = service.token[:-1] + ("A" if service.token[-1] != "A" else "B")
    with service.client(token=wrong) as client:
        error = _refused(client.get("/api/host"), 401)
    assert service.token not in str(error)
    assert wrong not in str(error)


def test_wrong_token_is_given_no_session(service: Service) -> None:
    with service.client() as client:
        answer = client.post("/api/session", json={"token": "x" * 43})
    _refused(answer, 401)
    assert "set-cookie" not in answer.headers


def test_session_cookie_is_closed_to_scripts_and_other_sites(service: Service) -> None:
    with service.client() as client:
        answer = client.post("/api/session", json={"token": service.token})
        assert answer.status_code == 204
        words = {word.strip().lower() for word in answer.headers["set-cookie"].split(";")[1:]}
        assert {"httponly", "secure", "samesite=strict", "path=/"} <= words
        assert client.get("/api/host").status_code == 200
        assert client.delete("/api/session").status_code == 204
        client.cookies.clear()
        _refused(client.get("/api/host"), 401)


def test_a_closed_session_stays_closed(service: Service) -> None:
    """The cookie that was used before signing out opens nothing any more."""
    with service.client() as client:
        client.post("/api/session", json={"token": service.token})
        [cookie] = client.cookies.jar
        client.delete("/api/session")
    with service.client() as client:
        client.cookies.set(cookie.name, cookie.value or "")
        _refused(client.get("/api/host"), 401)


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_ten_megabytes(service: Service, chunked: bool) -> None:
    status, body = _send(service, _TEN_MEGABYTES, chunked=chunked)
    assert status == 413
    assert b'"success": false' in body


def test_unknown_route(client: httpx.Client) -> None:
    _refused(client.get("/api/nothing"), 404)


def test_wrong_method(client: httpx.Client) -> None:
    answer = client.put("/api/host")
    _refused(answer, 405)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("body", ["{", "[]", '{"token": 1}', '{"tokn": "x"}', "null", ""])
def test_malformed_body(service: Service, body: str) -> None:
    with service.client() as client:
        answer = client.post(
            "/api/session", content=body, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code in {400, 422}
    _refused(answer, answer.status_code)


def test_foreign_host_name(client: httpx.Client) -> None:
    """What a page of another site would send after it rebound its name to this address."""
    _refused(client.get("/api/host", headers={"Host": "rebound.example"}), 421)


def test_foreign_origin(client: httpx.Client) -> None:
    _refused(client.get("/api/host", headers={"Origin": "https://other.example"}), 403)


def test_long_url(service: Service) -> None:
    """By hand, as httpx refuses to send it; the service may close before it has taken all of it."""
    with contextlib.closing(_connection(service)) as connection:
        # Its answer is waiting to be read then.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            connection.request("GET", "/health?x=" + "a" * 200_000)
        assert 400 <= connection.getresponse().status < 500


def test_long_header(client: httpx.Client) -> None:
    assert 400 <= client.get("/api/host", headers={"X-Long": "a" * 200_000}).status_code < 500


def test_path_outside_the_page(client: httpx.Client) -> None:
    for path in ("/assets/../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc"):
        answer = client.get(path)
        assert answer.status_code in {400, 404}
        assert "root:" not in answer.text


def test_no_answer_allows_other_origins(client: httpx.Client) -> None:
    for path in ("/", "/health", "/api/host"):
        answer = client.get(path)
        assert [name for name in answer.headers if name.startswith("access-control-")] == []


def test_health_needs_no_token(service: Service) -> None:
    with service.client() as client:
        answer = client.get("/health")
    assert (answer.status_code, answer.text.strip()) == (200, "OK")


def test_readiness_needs_a_token(service: Service, client: httpx.Client) -> None:
    assert client.get("/health/ready").status_code == 200
    with service.client() as stranger:
        _refused(stranger.get("/health/ready"), 401)


def test_openapi_needs_a_token_and_describes_the_host(
    service: Service, client: httpx.Client
) -> None:
    document = client.get("/openapi.json").json()
    assert "/api/host" in document["paths"]
    with service.client() as stranger:
        _refused(stranger.get("/openapi.json"), 401)


def test_answers_are_readable_as_printed(client: httpx.Client) -> None:
    assert '"success": true' in client.get("/api/host").text


def test_plain_http_gets_nothing(service: Service) -> None:
    address = urlsplit(service.url)
    with socket.create_connection(
        (str(address.hostname), address.port or 443), timeouts.REQUEST_S
    ) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" not in plain.recv(4096)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(service: Service, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(service.ca_file))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = version
    context.maximum_version = version
    address = urlsplit(service.url)
    with (
        socket.create_connection(
            (str(address.hostname), address.port or 443), timeouts.REQUEST_S
        ) as raw,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(raw, server_hostname=address.hostname)


def test_certificate_names_its_host(service: Service) -> None:
    """Python checks name, chain and dates here; another CA is not trusted."""
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(service.url + "/health", timeout=timeouts.REQUEST_S, trust_env=False)
    with service.client() as client:
        assert client.get("/health").status_code == 200


def _connection(service: Service) -> http.client.HTTPSConnection:
    address = urlsplit(service.url)
    context = ssl.create_default_context(cafile=str(service.ca_file))
    return http.client.HTTPSConnection(
        str(address.hostname), address.port, timeout=timeouts.REQUEST_S, context=context
    )


def _send(service: Service, size: int, *, chunked: bool) -> tuple[int, bytes]:
    """POST ``size`` bytes; the server may answer and close before it has taken all of them."""
    connection = _connection(service)
    connection.putrequest("POST", "/api/session")
    connection.putheader("Authorization", f"Bearer {service.token}")
    connection.putheader("Content-Type", "application/json")
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    else:
        connection.putheader("Content-Length", str(size))
    connection.endheaders()
    piece = b"x" * 16384
    try:
        for _ in range(size // len(piece)):
            framed = f"{len(piece):x}\r\n".encode() + piece + b"\r\n" if chunked else piece
            connection.send(framed)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        pass  # It has heard enough: its answer is waiting to be read.
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body
