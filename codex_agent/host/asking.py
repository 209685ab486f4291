# SPDX-License-Identifier: Apache-2.0
"""Asks the service on this host whether it answers, verified with the host's own CA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host import systemd
from codex_agent.host.checks import outcome
from codex_agent.host.reading import Unreadable

if TYPE_CHECKING:
    from codex_agent.host.model import Check
    from codex_agent.host.root import Root

CA = "/var/lib/codex/ca.crt"
UNIT = "codex-agent.socket"
TIMEOUT_S = 30.0  # the first connection starts the service, which takes its time under emulation
_HINT = "journalctl -u codex-agent.service"
# Where to ask a service that listens on every address; nothing is bound here.
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # noqa: S104 - see above


def target(listen: str) -> tuple[str, int]:
    """Return where to connect for a stream address of systemd such as ``[::]:3030``."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{listen} is no address with a port")
    return _WILDCARDS.get(host, host or "127.0.0.1"), int(port)


def check(root: Root) -> Check:
    """Return the outcome of asking; a host that does not run the service skips it."""
    try:
        root.data(CA)
    except Unreadable as error:
        if error.absent:
            return outcome("skipped", "The service has not been set up on this host.")
        return outcome("skipped", f"The service cannot be asked: {error.reason}.")
    try:
        with systemd.conversation(root) as manager:
            listens = manager.listens(UNIT)
        if not listens:
            return outcome("skipped", f"{UNIT} is not on this host.")
        address = target(listens[0])
    except Unreadable as error:
        return outcome("unknown", f"Where the service listens is not known: {error.reason}.")
    except ValueError as error:
        return outcome("unknown", f"Where the service listens is not known: {error}.")
    return ask(root.at(CA), address, TIMEOUT_S)


def ask(ca: str, address: tuple[str, int], timeout_s: float) -> Check:
    """Connect, verify the certificate for ``localhost``, and ask ``/health``."""
    import socket
    import ssl

    try:
        context = ssl.create_default_context(cafile=ca)
        with (
            socket.create_connection(address, timeout=timeout_s) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b""
            while len(answer) < 65536 and (part := secure.recv(65536)):
                answer += part
    except ssl.SSLCertVerificationError as error:
        hint = "systemctl restart codex-provision.service codex-agent.service"
        text = f"The certificate of the service is not valid: {error.verify_message}."
        return outcome("failed", text, hint)
    except TimeoutError:
        text = f"The service did not answer within {timeout_s:.0f} s."
        return outcome("failed", text, _HINT)
    except OSError as error:
        reason = error.strerror or "the connection broke"
        return outcome("failed", f"The service does not answer: {reason}.", _HINT)
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 200 ") and body.strip() == b"OK":
        return outcome("ok", "The service answers over TLS.")
    return outcome("failed", "The service answers, but not as it should.", _HINT)
