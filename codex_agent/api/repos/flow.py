# SPDX-License-Identifier: Apache-2.0
"""An answer that is made as fast as its reader takes it, and no further than that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

from codex_agent.api.repos.ask import gone

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send


class Flowing(Response):
    """Calls ``flow`` to send the body, and ends it when the client has gone."""

    def __init__(self, request: Request, headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        # The length is that of no body at all.
        del self.headers["content-length"]
        self._request = request

    async def flow(self, send: Send) -> None:
        """Send the body, part by part."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send head and body."""
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        sending = asyncio.create_task(self.flow(send))
        leaving = asyncio.create_task(gone(self._request))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
