# SPDX-License-Identifier: Apache-2.0
"""A machine with a name and addresses, and what provisioning has to leave on it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from codex_agent.config import formats
from codex_agent.provision.run import Places, Report, provision
from tests.unit.agent.trees import NOW, Tree

if TYPE_CHECKING:
    from pathlib import Path

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.0.2.0/24 2 0 1
        |-- 10.0.2.0
           /24 link UNICAST
        |-- 10.0.2.15
           /32 host LOCAL
        |-- 10.0.2.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
Local:
"""
IF_INET6 = (
    "00000000000000000000000000000001 01 80 10 80       lo\n"
    "fe80000000000000505400fffe123456 02 40 20 80     eth0\n"
    "fd000000000000000000000000000002 02 40 00 80     eth0\n"
    "fd000000000000000000000000000003 02 40 00 01     eth0\n"
)
START = datetime.fromtimestamp(NOW, UTC)


def run(host: Tree, where: Places, days: float = 0, credentials: str | None = None) -> Report:
    return provision(where, host.root, credentials, START + timedelta(days=days))


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def contents(where: Places) -> dict[str, bytes]:
    return {
        str(p.relative_to(where.state)): p.read_bytes()
        for p in sorted(where.state.rglob("*"))
        if p.is_file()
    }


def assert_good(where: Places) -> None:
    """All is there, belongs together, and nothing else is left."""
    assert set(contents(where)) == {
        ".lock", "ca.crt", "ca/ca.crt", "ca/ca.key",
        "agent/server.crt", "agent/server.key", "agent/token",
    }  # fmt: skip
    signer, server = certificate(where.ca / "ca.crt"), certificate(where.agent / "server.crt")
    server.verify_directly_issued_by(signer)
    assert where.public.read_bytes() == (where.ca / "ca.crt").read_bytes()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(where.agent / "server.crt", where.agent / "server.key")
    assert formats.token((where.agent / "token").read_text()) is None
