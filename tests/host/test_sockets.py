# SPDX-License-Identifier: Apache-2.0
"""Nothing listens that has no reason to."""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.guest

ALLOWED = tomllib.loads((Path(__file__).parent / "sockets.toml").read_text("utf-8"))["socket"]


class Listener(NamedTuple):
    """A socket of the network that takes connections or packets."""

    protocol: str
    address: str
    port: int


@pytest.fixture(scope="module")
def listeners(host: Host) -> set[Listener]:
    """All of them, IPv4 and IPv6; raw sockets carry no port and are not among them."""
    found = set()
    for line in host.check_output("ss --no-header --numeric --listening --tcp --udp").splitlines():
        protocol, _, _, _, local, *_ = line.split()
        address, _, port = local.rpartition(":")
        found.add(Listener(protocol, address.partition("%")[0], int(port)))
    return found


def _allowed(listener: Listener) -> bool:
    return any(
        listener.protocol == entry["protocol"]
        and listener.port == entry["port"]
        and entry["address"] in {listener.address, "*"}
        for entry in ALLOWED
    )


def test_nothing_else_listens(listeners: set[Listener], expected: dict[str, Any]) -> None:
    if not expected["only_our_sockets"]:
        pytest.skip("differences.toml: this host may serve what its owner put there")
    assert sorted(entry for entry in listeners if not _allowed(entry)) == []


def test_agent_listens_where_it_is_expected(
    listeners: set[Listener], expected: dict[str, Any]
) -> None:
    address, _, port = expected["agent_address"].rpartition(":")
    assert Listener("tcp", address, int(port)) in listeners
    assert [entry for entry in listeners if entry.port == int(port)] == [
        Listener("tcp", address, int(port))
    ]


def test_ssh_listens(listeners: set[Listener]) -> None:
    assert any(entry.protocol == "tcp" and entry.port == 22 for entry in listeners)
