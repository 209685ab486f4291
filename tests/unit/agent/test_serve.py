# SPDX-License-Identifier: Apache-2.0
"""`codex serve` as a process: sockets from systemd or its own, notification, start and stop."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.api import listen, notify
from codex_agent.api.run import Credentials, identity
from codex_agent.api.server import tls
from codex_agent.errors import CodexError
from codex_agent.provision.run import Places, places, provision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.agent.trees import Tree

WAIT_S = 60
REPOSITORY = Path(__file__).resolve().parents[3]
# systemd sets LISTEN_PID after the fork; a shell does the same with its own number.
AS_SYSTEMD = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec 3<&"$0" "$@"'


@pytest.fixture
def where(tmp_path: Path, tree: Tree) -> Places:
    found = places(str(tmp_path / "machine"))
    provision(found, tree.root)
    return found


def start(*arguments: str, **named: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    environment.update(named.pop("environment", {}))  # type: ignore[call-overload]
    process: subprocess.Popen[str] = subprocess.Popen(
        arguments,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **named,  # type: ignore[call-overload]
    )
    return process


CODEX = (sys.executable, "-m", "codex_agent")


@pytest.fixture
def notified(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.settimeout(WAIT_S)
        yield receiver


def health(where: Places, port: int) -> bytes:
    context = ssl.create_default_context(cafile=str(where.public))
    with (
        socket.create_connection(("127.0.0.1", port), WAIT_S) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := secure.recv(65536):
            answer += part
    return answer


def test_socket_from_systemd(where: Places, notified: socket.socket, tmp_path: Path) -> None:
    with listen.own("127.0.0.1:0") as sock:
        number, port = sock.fileno(), sock.getsockname()[1]
        environment = {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "CREDENTIALS_DIRECTORY": str(where.agent),
        }
        process = start(
            "bash", "-c", AS_SYSTEMD, str(number), *CODEX, "serve",
            environment=environment, pass_fds=[number],
        )  # fmt: skip
    try:
        assert notified.recv(100) == b"READY=1"
        assert b"HTTP/1.1 200 OK" in health(where, port)
        # An open connection does not keep it from stopping.
        context = ssl.create_default_context(cafile=str(where.public))
        with (
            socket.create_connection(("127.0.0.1", port), WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost"),
        ):
            process.send_signal(signal.SIGTERM)
            assert notified.recv(100) == b"STOPPING=1"
            _, errors = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def test_own_socket_and_its_port(where: Places, notified: socket.socket, tmp_path: Path) -> None:
    arguments = ("serve", "--credentials", str(where.agent), "--listen", "127.0.0.1:0")
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    process = start(*CODEX, *arguments, environment=environment)
    try:
        assert notified.recv(100) == b"READY=1"
        assert process.stderr is not None
        port = int(process.stderr.readline().rpartition(",")[2].strip(" )\n"))
        assert b"OK" in health(where, port)
        second = start(*CODEX, *arguments[:-1], f"127.0.0.1:{port}")
        _, errors = second.communicate(timeout=WAIT_S)
        assert second.returncode == 1
        assert f"127.0.0.1:{port} cannot be listened on: address already in use." in errors
        assert "hint: " in errors
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT_S)
    assert process.returncode == 0


def test_malformed_configuration_does_not_keep_it_from_starting(
    where: Places, notified: socket.socket, tmp_path: Path
) -> None:
    environment = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "CODEX_SERVICE_SAMPLE_INTERVAL_S": "soon",
    }
    arguments = ("serve", "--credentials", str(where.agent), "--listen", "127.0.0.1:0")
    process = start(*CODEX, *arguments, environment=environment)
    try:
        assert notified.recv(100) == b"READY=1"
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=WAIT_S)
    assert "CODEX_SERVICE_SAMPLE_INTERVAL_S" in errors


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:3030", ("127.0.0.1", 3030)),
        ("[::1]:3030", ("::1", 3030)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("localhost:1", ("127.0.0.1", 1)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert listen.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "3030", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:3030", "a b:1",
             "example.org:443", "127.0.0.1:-1", "127.0.0.1:٣"]
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(CodexError, match="is not an address with a port") as caught:
        listen.parse(text)
    assert caught.value.hint


def test_sockets_for_another_process_are_not_taken() -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x"}
    assert listen.handed_over(environment) == []
    assert environment == {}


@pytest.mark.parametrize("count", ["0", "-1", "x", "1000"])
def test_nonsense_from_the_environment(count: str) -> None:
    with pytest.raises(CodexError, match="LISTEN_FDS"):
        listen.handed_over({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count})


def test_a_descriptor_that_does_not_listen() -> None:
    with socket.socket() as idle, pytest.raises(CodexError, match="not a listening"):
        listen._check(idle.fileno())
    with Path(os.devnull).open() as file, pytest.raises(CodexError, match="not a socket"):
        listen._check(file.fileno())


def test_notification_without_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.tell("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/notify")
    with pytest.raises(CodexError, match="systemd cannot be told"):
        notify.tell("READY=1")


def test_abstract_notification_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"codex-test-{os.getpid()}-{threading.get_ident()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name}")
        receiver.settimeout(WAIT_S)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify.tell("READY=1")
        assert receiver.recv(100) == b"READY=1"


def use(where: Places, tree: Tree) -> None:
    credentials = Credentials(where.agent)
    identity(credentials, tree.root)
    tls(where.agent / "server.crt", where.agent / "server.key")
    credentials.token()


@pytest.mark.parametrize("name", ["server.crt", "server.key", "token"])
@pytest.mark.parametrize("content", [None, b"", b"garbage\n"])
def test_credentials_that_are_not_good(
    where: Places, tree: Tree, name: str, content: bytes | None
) -> None:
    path = where.agent / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(CodexError) as caught:
        use(where, tree)
    assert name in caught.value.message
    assert caught.value.hint


def test_key_of_another_certificate(where: Places, tree: Tree, tmp_path: Path) -> None:
    other = places(str(tmp_path / "other"))
    provision(other, tree.root)
    with pytest.raises(CodexError, match="cannot be used with"):
        tls(where.agent / "server.crt", other.agent / "server.key")
