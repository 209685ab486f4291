# SPDX-License-Identifier: Apache-2.0
"""How a server may treat who asks it: each is a value of ``Server.behaviours``."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.versions.server import Behaviour, Handler


def _begin(handler: Handler, content: bytes, announced: int | None = None) -> bytes:
    """Send the head of an honest answer, Range included; return the bytes that belong to it."""
    asked = handler.headers.get("Range") or ""
    start = int(asked[6:-1]) if asked.startswith("bytes=") and asked.endswith("-") else 0
    length = len(content) - start if announced is None else announced
    headers = {"Content-Length": str(length)}
    if start:
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    handler.head(206 if start else 200, headers)
    return content[start:]


def honest(handler: Handler, content: bytes) -> None:
    """What the server does by itself."""
    handler.serve(content)


def slow(bytes_per_s: int) -> Behaviour:
    """Send everything, at a pace."""

    def behave(handler: Handler, content: bytes) -> None:
        step = max(1, bytes_per_s // 20)
        rest = _begin(handler, content)
        for at in range(0, len(rest), step):
            handler.body(rest[at : at + step])
            if handler.server.ended.wait(step / bytes_per_s) or gone(handler):
                handler.cut()
                return

    return behave


def silent(handler: Handler, content: bytes) -> None:
    """Take the question and never answer."""
    while not handler.server.ended.wait(0.2) and not gone(handler):
        pass
    handler.cut()


def endless(handler: Handler, content: bytes) -> None:
    """Send bytes without end, and without saying how many."""
    handler.close_connection = True
    handler.head(200, {"Connection": "close"})
    while not handler.server.ended.is_set():
        try:
            handler.wfile.write(b"x" * 65536)
        except OSError:
            return


def drips(write: Callable[[Handler], bytes], pause_s: float) -> Behaviour:
    """Send what ``write`` returns once it has begun the answer, again and again, with pauses."""

    def behave(handler: Handler, content: bytes) -> None:
        handler.close_connection = True
        part = write(handler)
        while not handler.server.ended.wait(pause_s):
            try:
                handler.wfile.write(part)
                handler.wfile.flush()
            except OSError:
                return

    return behave


def stops(after: int) -> Behaviour:
    """Announce everything, send ``after`` bytes of it, and end the connection."""

    def behave(handler: Handler, content: bytes) -> None:
        handler.body(_begin(handler, content)[:after])
        handler.cut()

    return behave


def resets(after: int) -> Behaviour:
    """As ``stops``, but the connection breaks (RST) instead of ending."""

    def behave(handler: Handler, content: bytes) -> None:
        handler.body(_begin(handler, content)[:after])
        with suppress(OSError):
            # Closed with a time to linger of nought, a connection is reset.
            handler.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            socket.close(handler.connection.detach())
        handler.cut()

    return behave


def lies_about_length(change: int) -> Behaviour:
    """Announce so many bytes more, or fewer, than are sent."""

    def behave(handler: Handler, content: bytes) -> None:
        handler.body(_begin(handler, content, len(content) + change))
        handler.cut()

    return behave


def redirects(location: str, status: int = 302) -> Behaviour:
    """Send who asks elsewhere."""
    return lambda handler, _content: handler.answer(status, b"", {"Location": location})


def replays(old: bytes) -> Behaviour:
    """Serve what was served once, honestly, in place of what is there."""
    return lambda handler, _content: handler.serve(old)


def alters(change: Callable[[bytes], bytes]) -> Behaviour:
    """Serve the content changed."""
    return lambda handler, content: handler.serve(change(content))


def refuses(status: int) -> Behaviour:
    """Answer with a status, and nothing else."""
    return lambda handler, _content: handler.answer(status, b"")


def first(count: int, behaviour: Behaviour) -> Behaviour:
    """Behave so for the first ``count`` questions, and honestly after them."""
    lock, asked = threading.Lock(), [0]

    def behave(handler: Handler, content: bytes) -> None:
        with lock:
            asked[0] += 1
            bad = asked[0] <= count
        (behaviour if bad else honest)(handler, content)

    return behave


def gone(handler: Handler) -> bool:
    """Whether who asked has ended the connection; a byte that waits is left where it is."""
    with suppress(OSError, ValueError):
        raw = socket.socket(fileno=socket.dup(handler.connection.fileno()))
        try:
            raw.setblocking(False)
            return raw.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        finally:
            raw.close()
    return True


def wait_for(condition: Callable[[], bool], limit_s: float) -> bool:
    """Wait until something is so that a test looks at from outside, such as bytes sent."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
