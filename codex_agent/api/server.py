# SPDX-License-Identifier: Apache-2.0
"""Runs the application: TLS, listening sockets, start and stop, and no work while nobody asks."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
import sys
from typing import TYPE_CHECKING

import uvicorn

from codex_agent.api import notify
from codex_agent.api.protocol import LimitedProtocol
from codex_agent.api.websocket import PatientWebSocket
from codex_agent.errors import CodexError

if TYPE_CHECKING:
    import socket
    from pathlib import Path
    from types import FrameType

    from starlette.types import ASGIApp

LOG = logging.getLogger("codex.api")
WEBSOCKET_MAX = 64 * 1024  # bytes of one message
_HANDSHAKE_S = 20.0  # TLS; an emulated host needs some
_CLOSE_S = 2.0
_STOP_S = 3


def tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context for TLS 1.2 and later with the host's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or str(error) or "they do not belong together"
        raise CodexError(
            f"The certificate {certificate} cannot be used with {key}: {reason}.",
            hint="codex provision makes both anew where they are damaged.",
        ) from None
    return context


def configure(app: ASGIApp, context: ssl.SSLContext) -> uvicorn.Config:
    """Return uvicorn's configuration: no proxies, no banner, no access log."""
    return uvicorn.Config(
        app,
        http=LimitedProtocol,
        ws=PatientWebSocket,
        ws_max_size=WEBSOCKET_MAX,
        ws_per_message_deflate=False,
        loop="asyncio",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_STOP_S,
        ssl_context_factory=lambda _config, _default: context,
    )


class Server(uvicorn.Server):
    """A server that sleeps between events; uvicorn's own wakes up ten times a second."""

    def __init__(self, config: uvicorn.Config, context: ssl.SSLContext) -> None:
        super().__init__(config)
        self._context = context
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application and listen on the given sockets, then tell systemd."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise CodexError("The service could not start.", hint="The lines above say why.")
        self.servers = [
            await self._loop.create_server(
                self._protocol,
                sock=sock,
                ssl=self._context,
                ssl_handshake_timeout=_HANDSHAKE_S,
                ssl_shutdown_timeout=_CLOSE_S,
            )
            for sock in sockets or []
        ]
        self.started = True
        notify.tell("READY=1")

    def _protocol(self) -> asyncio.Protocol:
        return LimitedProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def main_loop(self) -> None:
        """Sleep until a signal asks for the end."""
        if self._stop is None:
            raise RuntimeError("the server was not started")
        if not self.should_exit:
            await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all connections, WebSockets with a proper farewell, within a few seconds."""
        notify.tell("STOPPING=1")
        late = asyncio.get_running_loop().call_later(_CLOSE_S, self._abort)
        try:
            await super().shutdown(sockets)
        finally:
            late.cancel()

    def _abort(self) -> None:
        """Cut what has not closed in time, and what never finished its TLS handshake.

        Only the listeners know the latter, and Python waits for them from 3.12 on.
        """
        if sys.version_info >= (3, 13):
            for server in self.servers:
                server.abort_clients()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ask for the end; called in a signal handler."""
        super().handle_exit(sig, frame)
        # Ending on request is a success; uvicorn would raise the signal again afterwards.
        self._captured_signals.clear()
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    def end(self) -> None:
        """Ask for the end from another thread; for tests."""
        self.handle_exit(signal.SIGTERM, None)


def serve(app: ASGIApp, sockets: list[socket.socket], context: ssl.SSLContext) -> None:
    """Serve until a signal comes."""
    names = ", ".join(str(sock.getsockname()) for sock in sockets)
    LOG.info("listening on %s", names)
    Server(configure(app, context), context).run(sockets)
    LOG.info("stopped")
