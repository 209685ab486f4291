# SPDX-License-Identifier: Apache-2.0
"""Listening sockets: those that systemd hands over, or one of our own."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING

from codex_agent.errors import CodexError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

DEFAULT = "127.0.0.1:3030"
_FIRST_FD = 3  # sd_listen_fds(3)
_BACKLOG = 128


def parse(text: str) -> tuple[str, int]:
    """Return address and port of ``127.0.0.1:3030``, ``[::1]:3030`` or ``localhost:3030``."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    wrong = CodexError(
        f"{text} is not an address with a port.", hint="Write for example 127.0.0.1:3030."
    )
    if not (port.isascii() and port.isdigit() and 0 <= int(port) <= 65535):
        raise wrong
    if bare == "localhost":
        return "127.0.0.1", int(port)
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        raise wrong from None
    if address.version == 6 and bare == host:
        raise wrong
    return str(address), int(port)


def own(text: str) -> socket.socket:
    """Return a socket that listens on an address of ours."""
    host, port = parse(text)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kind = socket.SOCK_STREAM | socket.SOCK_CLOEXEC
    # Named, or asyncio does not switch Nagle's algorithm off: 40 ms for every answer.
    sock = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        reason = (error.strerror or str(error)).lower()
        raise CodexError(
            f"{text} cannot be listened on: {reason}.",
            hint="Choose another with --listen, or stop what uses it (ss -ltnp).",
        ) from None
    sock.setblocking(False)
    return sock


def handed_over(environment: MutableMapping[str, str]) -> list[socket.socket]:
    """Return the sockets that systemd passed to this very process, and forget that it did."""
    pid, count = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "")
    environment.pop("LISTEN_FDNAMES", None)
    if not pid or not count or pid != str(os.getpid()):
        return []
    if not count.isdigit() or not 0 < int(count) <= 16:
        raise CodexError(f"LISTEN_FDS={count} is not a number of sockets.", hint="Check the unit.")
    return [_check(number) for number in range(_FIRST_FD, _FIRST_FD + int(count))]


def _check(number: int) -> socket.socket:
    os.set_inheritable(number, False)
    try:
        sock = socket.socket(fileno=number)
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        raise CodexError(f"Descriptor {number} is not a socket.", hint="Check the unit.") from None
    if not listens or sock.type != socket.SOCK_STREAM:
        sock.detach()
        raise CodexError(
            f"Descriptor {number} is not a listening stream socket.",
            hint="The socket unit needs ListenStream= and Accept=no.",
        )
    sock.setblocking(False)
    return sock
