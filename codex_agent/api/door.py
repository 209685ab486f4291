# SPDX-License-Identifier: Apache-2.0
"""Asks root, by the one socket that this service may reach, for what it cannot do itself."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from codex_agent.api.envelope import ApiError
from codex_agent.update import shape
from codex_agent.update.known import DOOR, Answer

if TYPE_CHECKING:
    from codex_agent.host.root import Root

LOG = logging.getLogger("codex.api")
# A program is started for each request, which takes its time on an emulated processor.
TIME_S = 60.0
LIMIT = 8192  # bytes
_HINT = "systemctl status codex-update-request.socket"


class Door:
    """The socket; one request at a time, so that nobody can have root start programs in heaps."""

    def __init__(self, root: Root) -> None:
        self._path = root.at(DOOR)
        self._turn = asyncio.Lock()

    async def ask(self, request: dict[str, str]) -> Answer:
        """Return what root says to a request, or raise ``ApiError``."""
        if self._turn.locked():
            text = "Another request is being answered at this moment."
            raise ApiError(409, "busy", text, "Ask again in a moment.")
        async with self._turn:
            try:
                async with asyncio.timeout(TIME_S):
                    content = await self._converse(json.dumps(request).encode() + b"\n")
            except TimeoutError:
                text = f"No answer came within {TIME_S:.0f} s; whether it begins is not known."
                raise ApiError(503, "no_answer", text, _HINT) from None
            except (OSError, asyncio.LimitOverrunError, ValueError) as error:
                LOG.warning("the door of updates: %s", error)
                text = "The part of this host that updates it does not answer."
                raise ApiError(503, "unavailable", text, _HINT) from None
        try:
            return shape.parse(content, Answer)
        except ValueError as error:
            LOG.warning("the door of updates: %s", error)
            text = "The part of this host that updates it answers, but not as it should."
            raise ApiError(503, "unavailable", text, _HINT) from None

    async def _converse(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=LIMIT)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.readline()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
