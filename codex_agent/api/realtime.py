# SPDX-License-Identifier: Apache-2.0
"""Pushes changes of the host to all who listen; samples only while somebody does."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pydantic_core
from starlette.websockets import WebSocket, WebSocketDisconnect

from codex_agent.api.envelope import ApiError
from codex_agent.host.plain import lasting, plain
from codex_agent.host.reading import Unreadable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import HTTPConnection

    from codex_agent.api.repos.live import Feed
    from codex_agent.host.sampler import Sampler
    from codex_agent.update.known import Updates

LOG = logging.getLogger("codex.api")
CLOSE_INVALID = 4400
CLOSE_AUTH = 4401
CLOSE_ORIGIN = 4403
CLOSE_UNKNOWN = 4404
CLOSE_TOO_BIG = 1009
CLOSE_BUSY = 1013
MESSAGE_MAX = 4096  # characters; clients have nothing to say here
_CLIENTS_MAX = 100
_SEND_S = 30.0  # a reader that takes nothing for so long is let go


@dataclass(eq=False)
class Listener:
    """One WebSocket: ``news`` is set when the hub has something newer than ``seen``, by topic."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    seen: dict[str, int] = field(default_factory=dict)


@dataclass
class Topic:
    """The newest message of one type; ``lasting`` is what of it counts as a change."""

    name: str
    sequence: int = 0
    message: str = ""
    lasting: dict[str, Any] | None = None

    def take(self, data: dict[str, Any], kept: dict[str, Any]) -> bool:
        """Take up a state; say whether it tells something new."""
        if kept == self.lasting:
            return False
        self.lasting = kept
        self.sequence += 1
        message = {"type": self.name, "seq": self.sequence, "data": data}
        self.message = pydantic_core.to_json(message).decode()
        return True


class Hub:
    """Holds the newest state and wakes the listeners; who is slow skips what was in between."""

    def __init__(
        self,
        sampler: Sampler,
        interval_s: float,
        monotonic: Callable[[], float],
        updates: Callable[[], Updates],
    ) -> None:
        self.interval_s = interval_s
        self._sampler = sampler
        self._monotonic = monotonic
        self._updates = updates
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self.host = Topic("host")
        self.updates = Topic("updates")

    def join(self) -> Listener:
        """Add a listener; the first one starts the sampling."""
        if len(self._listeners) >= _CLIENTS_MAX:
            hint = "Close another page of this host."
            raise ApiError(503, "busy", "Too many clients listen already.", hint)
        listener = Listener()
        self._listeners.add(listener)
        if self._task is None or self._task.done():
            # What an earlier run has left may be old.
            self.host.lasting = self.updates.lasting = None
            self._task = asyncio.create_task(self._run())
        else:
            listener.news.set()
        return listener

    def leave(self, listener: Listener) -> None:
        """Remove a listener; the last one ends the sampling."""
        self._listeners.discard(listener)
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while self._listeners:
            try:
                sample = await self._sampler.get(max_age_s=self.interval_s / 2)
            except Unreadable as error:
                # Listeners see the age of what they have grow; that is the truth.
                LOG.warning("no snapshot: %s", error.reason)
            except Exception:
                LOG.exception("no snapshot")
            else:
                self._publish(plain(sample.shown(self._monotonic())))
            self._publish_updates()
            await asyncio.sleep(self.interval_s)

    def _publish(self, snapshot: dict[str, Any]) -> None:
        if self.host.take(snapshot, lasting(snapshot)):
            self._wake()

    def _publish_updates(self) -> None:
        # A file in memory, that is taken apart only when it has changed: no device can hang here.
        data = plain(self._updates())
        if self.updates.take(data, {**data, "monotonic_s": None}):
            self._wake()

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.news.set()

    def newer(self, listener: Listener) -> list[str]:
        """Return what a listener has not seen, and take it as seen."""
        found = [t for t in (self.host, self.updates) if t.sequence != listener.seen.get(t.name, 0)]
        listener.seen.update({topic.name: topic.sequence for topic in found})
        return [topic.message for topic in found]


async def serve(
    socket: WebSocket,
    hub: Hub,
    version: str,
    check: Callable[[HTTPConnection], None],
    follow: Callable[[asyncio.Event], Awaitable[Feed | None]],
) -> None:
    """Serve one WebSocket; ``check`` raises ``ApiError`` where the client may not listen (on).

    ``follow`` returns what else it listens to, or None.
    """
    await socket.accept()
    feed: Feed | None = None
    try:
        check(socket)
        listener = hub.join()
        try:
            feed = await follow(listener.news)
        except BaseException:
            hub.leave(listener)
            raise
    except ApiError as error:
        await _farewell(socket, error)
        return
    receiving = asyncio.create_task(_receive(socket))
    sending = asyncio.create_task(_send(socket, hub, listener, version, check, feed))
    try:
        await asyncio.wait({receiving, sending}, return_when=asyncio.FIRST_COMPLETED)
        for task in (receiving, sending):
            if task.done() and (failure := _error_of(task)) is not None:
                sending.cancel()
                await _farewell(socket, failure)
                break
    finally:
        hub.leave(listener)
        if feed is not None:
            feed.close()
        receiving.cancel()
        sending.cancel()
        await asyncio.gather(receiving, sending, return_exceptions=True)


def _error_of(task: asyncio.Task[None]) -> ApiError | None:
    error = task.exception()
    if error is None or isinstance(error, (WebSocketDisconnect, TimeoutError)):
        return None
    if isinstance(error, ApiError):
        return error
    LOG.error("a WebSocket failed", exc_info=error)
    return ApiError(500, "internal", "The service failed.", "The journal has the details.")


async def _send(
    socket: WebSocket,
    hub: Hub,
    listener: Listener,
    version: str,
    check: Callable[[HTTPConnection], None],
    feed: Feed | None,
) -> None:
    interval = round(hub.interval_s * 1000)
    await _say(socket, {"type": "connected", "version": version, "interval_ms": interval})
    if feed is not None:
        listener.news.set()
    while True:
        await listener.news.wait()
        listener.news.clear()
        # A session can end while its page listens.
        check(socket)
        messages = hub.newer(listener)
        messages += await feed.newer() if feed is not None else []
        for message in messages:
            async with asyncio.timeout(_SEND_S):
                await socket.send_text(message)


async def _receive(socket: WebSocket) -> None:
    """Take and ignore what the client says, up to a size, until it leaves."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        said = message.get("text") or message.get("bytes") or ""
        if len(said) > MESSAGE_MAX:
            text = f"A message is longer than {MESSAGE_MAX}."
            raise ApiError(413, "too_large", text, "Nothing needs to be said here.")


async def _say(socket: WebSocket, message: dict[str, Any]) -> None:
    async with asyncio.timeout(_SEND_S):
        await socket.send_text(pydantic_core.to_json(message).decode())


async def _farewell(socket: WebSocket, error: ApiError) -> None:
    """Tell the error and close with the code that belongs to it."""
    codes = {401: CLOSE_AUTH, 429: CLOSE_AUTH, 403: CLOSE_ORIGIN, 413: CLOSE_TOO_BIG}
    codes |= {404: CLOSE_UNKNOWN, 422: CLOSE_INVALID}
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        await _say(socket, {"type": "error", **error.body})
        code = codes.get(error.status, CLOSE_BUSY if error.status == 503 else 1011)
        await socket.close(code)
