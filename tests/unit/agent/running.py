# SPDX-License-Identifier: Apache-2.0
"""The real service on a loopback port, over TLS, in front of a host made of fixtures."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import httpx
from websockets.asyncio.client import connect

from codex_agent.api import listen, pages
from codex_agent.api.app import create
from codex_agent.api.run import Credentials, identity
from codex_agent.api.server import Server, configure, tls
from codex_agent.api.service import Service
from codex_agent.provision.run import places, provision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

    from codex_agent.api.repos.common import Repos
    from codex_agent.host.snapshot import Sample
    from tests.unit.agent.trees import Tree

WAIT_S = 30.0  # for what must happen; nothing is asserted about how long it takes


@dataclass
class Running:
    """A service that runs in a thread, and ways to reach it."""

    tree: Tree
    service: Service
    server: Server
    port: int
    ca: Path
    token: str

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca))

    def client(self, **named: Any) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, verify=self.context(), timeout=WAIT_S, trust_env=False, **named
        )

    def raw(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), WAIT_S)
        return self.context().wrap_socket(plain, server_hostname="127.0.0.1")

    def say(self, data: bytes) -> bytes:
        """Send bytes on a connection of its own and return all that comes back."""
        with self.raw() as connection:
            connection.sendall(data)
            return read_all(connection)

    @contextmanager
    def listen(
        self, headers: dict[str, str] | None = None, query: str = "", **named: Any
    ) -> Iterator[Listening]:
        address = f"wss://127.0.0.1:{self.port}/api/realtime{query}"
        with Listening(
            address, self.context(), self.bearer if headers is None else headers, named
        ) as found:
            yield found


class Listening:
    """A WebSocket for tests that are not asynchronous.

    The client of the library for threads sends and receives on one TLS connection at once, which
    loses its handshake now and then; so this is the other one, which runs while it is asked.
    """

    def __init__(
        self, address: str, context: ssl.SSLContext, headers: dict[str, str], named: dict[str, Any]
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._opening = (address, context, headers, {"close_timeout": WAIT_S, **named})

    def __enter__(self) -> Self:
        try:
            self._connection = self._loop.run_until_complete(self._open())
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()

    async def _open(self) -> ClientConnection:
        address, context, headers, named = self._opening
        return await connect(
            address, ssl=context, additional_headers=headers, proxy=None, open_timeout=WAIT_S,
            **named,
        )  # fmt: skip

    def recv(self, timeout_s: float = WAIT_S) -> str | bytes:
        return self._loop.run_until_complete(asyncio.wait_for(self._connection.recv(), timeout_s))

    def send(self, message: str | bytes) -> None:
        self._loop.run_until_complete(self._connection.send(message))

    def ping(self) -> None:
        async def both() -> None:
            await asyncio.wait_for(await self._connection.ping(), WAIT_S)

        self._loop.run_until_complete(both())


def read_all(connection: ssl.SSLSocket) -> bytes:
    content = b""
    try:
        while part := connection.recv(65536):
            content += part
    except (ConnectionError, ssl.SSLEOFError):
        pass
    return content


@contextmanager
def running(
    tree: Tree,
    folder: Path,
    *,
    files: dict[str, pages.File] | None = None,
    interval_s: float = 0.5,
    take: Callable[[], Sample] | None = None,
    allowed_hosts: tuple[str, ...] = (),
    repos: Repos | None = None,
) -> Iterator[Running]:
    where = places(str(folder / "machine"))
    provision(where, tree.root)
    credentials = Credentials(where.agent)
    service = Service(
        identity=identity(credentials, tree.root),
        token=credentials.token(),
        allowed_hosts=allowed_hosts,
        root=tree.root,
        take=take or tree.sample,
        interval_s=interval_s,
        pages={} if files is None else files,
        wall=tree.clock.wall,
        repos=repos,
    )
    context = tls(where.agent / "server.crt", where.agent / "server.key")
    server = Server(configure(create(service), context), context)
    sock = listen.own("127.0.0.1:0")
    port = sock.getsockname()[1]
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([sock])), daemon=True)
    thread.start()
    deadline = threading.Event()
    for _ in range(int(WAIT_S * 100)):
        if server.started:
            break
        deadline.wait(0.01)
    assert server.started
    try:
        yield Running(tree, service, server, port, where.public, credentials.token())
    finally:
        server.end()
        thread.join(WAIT_S)
        assert not thread.is_alive()


def page_files(folder: Path) -> dict[str, pages.File]:
    dist = folder / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>Codex OS</title>")
    (dist / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (dist / "assets" / "index-0a1b.js").write_text("export {};")
    (folder / "secret").write_text("secret")
    (dist / "link").symlink_to(folder / "secret")
    return pages.load(dist)
