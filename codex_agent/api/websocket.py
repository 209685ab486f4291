# SPDX-License-Identifier: Apache-2.0
"""The WebSocket protocol of uvicorn, with an end that nothing can upset."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState


class PatientWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that may already be closing when the server stops."""

    def shutdown(self) -> None:
        """Say farewell with 1012 where the connection is open, and close it in any case."""
        try:
            super().shutdown()
        except InvalidState:
            # Its client or a broken frame began the closing: uvicorn would stop the whole server
            # half-way here.
            self.transport.close()
