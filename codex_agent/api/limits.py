# SPDX-License-Identifier: Apache-2.0
"""A limit on request bodies in bytes and in time, kept without reading more than it allows."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from codex_agent.api.envelope import ApiError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX = 64 * 1024  # bytes
BODY_S = 15.0
_LINGER_MAX = 256 * 1024  # bytes
_LINGER_S = 1.0


class BodyLimit:
    """Reads the whole body, which is small, before the application runs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body at hand, or answer 408 or 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            if _declared(scope) > BODY_MAX:
                raise _too_large()
            body = await _collect(receive)
        except ApiError as error:
            await _refuse(error, receive, send)
            return
        if body is None:
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)


def _too_large() -> ApiError:
    text = f"The body of the request is longer than {BODY_MAX} bytes."
    return ApiError(413, "too_large", text, "Send less.", {"Connection": "close"})


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        # The parser has already refused anything but one decimal number.
        if name == b"content-length":
            return int(value)
    return 0


async def _collect(receive: Receive) -> bytes | None:
    """Return the body, or None where the client has gone."""
    parts = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                parts += message.get("body", b"")
                if len(parts) > BODY_MAX:
                    raise _too_large()
                if not message.get("more_body", False):
                    return bytes(parts)
    except TimeoutError:
        text = f"The body of the request did not arrive within {BODY_S:.0f} s."
        headers = {"Connection": "close"}
        raise ApiError(408, "too_slow", text, "Send it faster.", headers) from None


async def _refuse(error: ApiError, receive: Receive, send: Send) -> None:
    """Answer, and let the client notice before the connection is cut.

    Closing while data is on its way resets the connection, and the answer with it; so a little more
    is taken and thrown away, for up to a second and some hundred kilobytes.
    """
    answer = error.response()
    await send(
        {"type": "http.response.start", "status": error.status, "headers": answer.raw_headers}
    )
    await send({"type": "http.response.body", "body": bytes(answer.body), "more_body": True})
    left = _LINGER_MAX
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    break
                left -= len(message.get("body", b""))
    await send({"type": "http.response.body", "body": b"", "more_body": False})
