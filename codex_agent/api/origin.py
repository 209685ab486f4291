# SPDX-License-Identifier: Apache-2.0
"""Host and Origin: answers only under this host's own names, and only to its own page.

This keeps a foreign page from reaching the service through a browser, by DNS rebinding or by a
request of its own.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from codex_agent.api.envelope import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import HTTPConnection

_AUTHORITY = re.compile(
    r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
_DEFAULT_PORT = "443"


def plain_name(name: str) -> str:
    """Return a name or address in the one form in which it is compared."""
    bare = name.strip("[]").rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def authority(text: str) -> tuple[str, str] | None:
    """Return name and port of a Host header, or None where it is not one."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    return plain_name(match["host"]), match["port"] or _DEFAULT_PORT


class Gatekeeper:
    """Knows the names of this host."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(plain_name(name) for name in names)

    def check_host(self, connection: HTTPConnection) -> tuple[str, str]:
        """Return name and port that were asked for, or raise ``ApiError`` (421)."""
        headers = connection.headers.getlist("host")
        found = authority(headers[0]) if len(headers) == 1 else None
        if found is None or found[0] not in self.names:
            raise ApiError(
                421,
                "unknown_host",
                "This service does not go by the name in the Host header.",
                "Use a name of its certificate, or add yours to service.allowed_hosts.",
            )
        return found

    def check_origin(self, connection: HTTPConnection, asked: tuple[str, str]) -> None:
        """Raise ``ApiError`` (403) where a page of another origin asks."""
        origins = connection.headers.getlist("origin")
        if not origins:
            return
        scheme, _, rest = origins[0].partition("://")
        if len(origins) != 1 or scheme != "https" or authority(rest) != asked:
            raise ApiError(
                403,
                "foreign_origin",
                "A page of another origin may not use this service.",
                "Open the page that this service serves itself.",
            )
