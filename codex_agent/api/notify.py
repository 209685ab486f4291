# SPDX-License-Identifier: Apache-2.0
"""Tells systemd how the service is doing (sd_notify)."""

from __future__ import annotations

import os
import socket

from codex_agent.errors import CodexError


def tell(state: str) -> None:
    """Send an assignment such as ``READY=1``; without systemd there is nobody to tell."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.connect(address)
            sender.sendall(state.encode())
    except OSError as error:
        # systemd would wait for this message in vain: better an error that says so.
        raise CodexError(
            f"systemd cannot be told {state}: {error.strerror or error}.",
            hint="Check NOTIFY_SOCKET and the sandbox of the unit.",
        ) from None
