# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 on one connection, with the limits that uvicorn's own parser does not set.

Bounds on the request line, on the headers (bytes, count, time) and on the number of connections;
what breaks them is answered in the envelope and the connection is closed.
"""

from __future__ import annotations

import base64
import binascii
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from codex_agent.api.envelope import ApiError

if TYPE_CHECKING:
    import asyncio

URL_MAX = 8 * 1024  # bytes
HEADERS_MAX = 16 * 1024  # bytes of all names and values
HEADER_COUNT_MAX = 100
HEADERS_S = 10.0
REQUEST_MAX = 512 * 1024  # bytes of a whole request; its body is limited further up
CONNECTIONS_MAX = 128


class LimitError(Exception):
    """Stops the parser; the answer is kept beside it."""


class LimitedProtocol(HttpToolsProtocol):
    """A connection whose request head is bounded in size and time."""

    _head = 0
    _raw = 0
    _begun = False
    _wrong: ApiError | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock of the first request."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            text = "Too many connections are open."
            self._refuse(ApiError(503, "busy", text, "Try again in a moment."))
            return
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived, unless the connection has been given up.

        The parser tells of a header when it is whole; one without end is counted here, in the head
        as well as behind a chunked body. What came together with the end of an earlier request is
        not counted: one read is bounded anyway.
        """
        if self.transport.is_closing():
            return
        self._begun = False
        super().data_received(data)
        if self._begun:
            return
        self._raw += len(data)
        if self._timer is not None and self._raw > URL_MAX + HEADERS_MAX + HEADER_COUNT_MAX * 4:
            self._refuse(_headers_too_large())
        elif self._raw > REQUEST_MAX:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Start counting the head of a request."""
        super().on_message_begin()
        self._head = self._raw = 0
        self._begun = True
        if self._timer is None:
            self._start_timer()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request line."""
        super().on_url(url)
        if len(self.url) > URL_MAX:
            text = f"The address of the request is longer than {URL_MAX} bytes."
            self._limit(ApiError(414, "url_too_long", text, "Use a shorter one."))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        super().on_header(name, value)
        self._head += len(name) + len(value)
        if self._head > HEADERS_MAX or len(self.headers) > HEADER_COUNT_MAX:
            self._limit(_headers_too_large())

    def on_headers_complete(self) -> None:
        """Stop the clock and hand the request to the application."""
        self._stop_timer()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Check the handshake here, so that its errors have the one shape too."""
        wrong = handshake_error(self.scope["method"], self.headers)
        if wrong is not None:
            self._refuse(wrong)
            return
        self._stop_timer()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser could not take."""
        del msg
        text = "The request is not valid HTTP/1.1."
        self._refuse(self._wrong or ApiError(400, "bad_request", text, "Check the client."))

    def _limit(self, error: ApiError) -> None:
        self._wrong = error
        raise LimitError

    def _refuse(self, error: ApiError) -> None:
        self._stop_timer()
        if self.transport.is_closing():
            return
        content = error.content()
        head = [
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}",
            f"date: {formatdate(usegmt=True)}",
            "content-type: application/json",
            f"content-length: {len(content)}",
            "cache-control: no-store",
            "connection: close",
            *(f"{name.lower()}: {value}" for name, value in error.headers.items()),
        ]
        self.transport.write("\r\n".join(head).encode() + b"\r\n\r\n" + content)
        self.transport.close()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(HEADERS_S, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        text = f"The request did not arrive within {HEADERS_S:.0f} s."
        self._refuse(ApiError(408, "too_slow", text, "Send it faster."))


def _headers_too_large() -> ApiError:
    text = f"The headers are longer than {HEADERS_MAX} bytes or more than {HEADER_COUNT_MAX}."
    return ApiError(431, "headers_too_large", text, "Send fewer and shorter ones.")


def handshake_error(method: str, headers: list[tuple[bytes, bytes]]) -> ApiError | None:
    """Return what is wrong with a WebSocket handshake (RFC 6455, section 4.2.1)."""
    known = dict(headers)
    hint = "Use a WebSocket client of version 13."
    if method != "GET":
        text = "A WebSocket is opened by GET."
        return ApiError(405, "method_not_allowed", text, hint, {"Allow": "GET"})
    if known.get(b"sec-websocket-version", b"").strip() != b"13":
        text = "The version of the WebSocket protocol is not 13."
        return ApiError(426, "upgrade_required", text, hint, {"Sec-WebSocket-Version": "13"})
    try:
        key = base64.b64decode(known.get(b"sec-websocket-key", b"").strip(), validate=True)
    except binascii.Error:
        key = b""
    names = [name for name, _ in headers]
    if len(key) != 16 or names.count(b"sec-websocket-key") != 1 or names.count(b"host") != 1:
        return ApiError(400, "bad_request", "The WebSocket handshake is not valid.", hint)
    return None
