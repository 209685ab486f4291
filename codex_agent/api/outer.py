# SPDX-License-Identifier: Apache-2.0
"""The outermost layer: security headers, request ids, names, and the last net for defects."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from codex_agent.api.envelope import ApiError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from codex_agent.api.origin import Gatekeeper

LOG = logging.getLogger("codex.api")
REALTIME = "/api/realtime"
_SEND_S = 30.0  # a reader that takes nothing for so long is let go

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_ALWAYS = {
    b"content-security-policy": POLICY.encode(),
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}
_NO_STORE = {b"cache-control": b"no-store"}


def extra_headers(present: set[bytes]) -> list[tuple[bytes, bytes]]:
    """Return the headers that an answer still lacks."""
    wanted = {**_ALWAYS, **_NO_STORE, b"date": formatdate(time.time(), usegmt=True).encode()}
    return [(name, value) for name, value in wanted.items() if name not in present]


def defect(request_id: str) -> ApiError:
    """Return the answer to a defect of ours; what it is stands in the journal only."""
    hint = f"The journal of codex-agent has the details under request {request_id}."
    return ApiError(500, "internal", "The service failed to answer.", hint)


async def deny(answer: Response, send: Send) -> None:
    """Answer a WebSocket handshake with a plain HTTP response."""
    await send(
        {
            "type": "websocket.http.response.start",
            "status": answer.status_code,
            "headers": [*answer.raw_headers, *extra_headers({n for n, _ in answer.raw_headers})],
        }
    )
    await send({"type": "websocket.http.response.body", "body": bytes(answer.body)})


class StuckReaderError(Exception):
    """The client takes nothing of its answer."""


class Outer:
    """Wraps the application; nothing passes that is not for this host."""

    def __init__(self, app: ASGIApp, gatekeeper: Gatekeeper) -> None:
        self._app = app
        self._gatekeeper = gatekeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = secrets.token_hex(8)
        scope["codex.request_id"] = request_id
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = list(message.get("headers", []))
                headers += extra_headers({name.lower() for name, _ in headers})
                headers.append((b"x-request-id", request_id.encode()))
                message = {**message, "headers": headers}
            try:
                async with asyncio.timeout(_SEND_S):
                    await send(message)
            except TimeoutError:
                raise StuckReaderError from None

        try:
            connection = HTTPConnection(scope)
            asked = self._gatekeeper.check_host(connection)
            self._gatekeeper.check_origin(connection, asked)
            await self._app(scope, receive, guarded)
        except ApiError as error:
            await error.response()(scope, receive, guarded)
        except StuckReaderError:
            # The server closes a connection whose answer was not completed.
            LOG.info("request %s: the client does not read its answer", request_id)
        except Exception:
            LOG.exception("request %s: %s %s", request_id, scope["method"], ascii(scope["path"]))
            if not started:
                await defect(request_id).response()(scope, receive, guarded)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._gatekeeper.check_host(HTTPConnection(scope))
        except ApiError as error:
            await deny(error.response(), send)
            return
        if scope["path"] == REALTIME:
            await self._app(scope, receive, send)
        else:
            hint = f"The WebSocket of this service is {REALTIME}."
            unknown = ApiError(404, "not_found", "There is no such WebSocket.", hint)
            await deny(unknown.response(), send)
