# SPDX-License-Identifier: Apache-2.0
"""The names and addresses under which a host can be reached now, for its certificate."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.config import formats
from codex_agent.host.kernel import hostname
from codex_agent.host.reading import Unreadable

if TYPE_CHECKING:
    from codex_agent.host.root import Root

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_IPV4_TABLE = "/proc/net/fib_trie"
_IPV6_TABLE = "/proc/net/if_inet6"
# Temporary, deprecated and tentative addresses come and go (linux/if_addr.h).
_PASSING = 0x01 | 0x20 | 0x40
_MOST = 64  # addresses; hosts with many containers have hundreds that nobody connects to


@dataclass(frozen=True, slots=True)
class Names:
    """DNS names and addresses, each in a fixed order."""

    dns: tuple[str, ...]
    addresses: tuple[Address, ...]


def parse_ipv4(text: str) -> set[Address]:
    """Return the host's own IPv4 addresses from /proc/net/fib_trie."""
    found: set[Address] = set()
    last: str | None = None
    for entry in text.splitlines():
        match = re.match(r"\s*\|-- ([0-9.]{7,15})$", entry, re.ASCII)
        if match is not None:
            last = match[1]
        elif last is not None and re.search(r"/32 host LOCAL$", entry):
            try:
                found.add(ipaddress.IPv4Address(last))
            except ValueError:
                continue
    return found


def parse_ipv6(text: str) -> set[Address]:
    """Return the lasting IPv6 addresses from /proc/net/if_inet6."""
    found: set[Address] = set()
    for entry in text.splitlines():
        words = entry.split()
        if len(words) != 6 or not re.fullmatch(r"[0-9a-f]{32}", words[0], re.ASCII):
            continue
        try:
            passing = int(words[4], 16) & _PASSING
        except ValueError:
            continue
        if not passing:
            found.add(ipaddress.IPv6Address(int(words[0], 16)))
    return found


def _reachable(address: Address) -> bool:
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)


def current(root: Root) -> Names:
    """Return localhost, the loopback addresses, the host's name and its other addresses."""
    dns = ["localhost"]
    name = hostname(root).value
    if name is not None and formats.hostname(name) is None and name.lower() not in dns:
        dns.append(name.lower())
    found: set[Address] = set()
    for path, parse in ((_IPV4_TABLE, parse_ipv4), (_IPV6_TABLE, parse_ipv6)):
        try:
            found |= parse(root.text(path))
        except Unreadable:
            # A kernel without this protocol; the certificate then names what there is.
            continue
    others = sorted(filter(_reachable, found), key=lambda a: (a.version, int(a)))[:_MOST]
    loopback = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))
    return Names(tuple(dns), (*loopback, *others))
