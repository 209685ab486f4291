# SPDX-License-Identifier: Apache-2.0
"""A server of files on a loopback port that can lie, be slow, stop, and send people elsewhere.

It is honest but for the names that ``behaviours`` has, whose keys are names or patterns of names,
such as ``store/*``. ``sent`` counts the bytes of each name that went out, whole parts of 64 KiB
where a connection was cut.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
import ssl
import threading
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Behaviour = Callable[["Handler", bytes], None]

#: This machine, as a guest of QEMU's user network sees it: what listens on the loopback here.
HOST_OF_GUESTS = "10.0.2.2"
_PART = 64 * 1024


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    server: Server

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        self.server.asked.append((name, self.headers.get("Range")))
        place = self.server.folder / name
        # A client that asks for names outside is answered as for any that is not there.
        inside = place.resolve().is_relative_to(self.server.folder.resolve())
        content = place.read_bytes() if inside and place.is_file() else None
        behaviour = self.server.behaviour(name)
        if behaviour is not None:
            behaviour(self, content or b"")
        elif content is None:
            self.answer(404, b"")
        else:
            self.serve(content)

    def serve(self, content: bytes) -> None:
        """What an honest server does, Range included."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if found is None:
            self.answer(200, content)
        elif int(found[1]) >= len(content):
            self.answer(416, b"")
        else:
            start = int(found[1])
            extent = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.answer(206, content[start:], {"Content-Range": extent})

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.head(status, {"Content-Length": str(len(content)), **(headers or {})})
        self.body(content)

    def body(self, content: bytes) -> None:
        name = self.path.removeprefix("/")
        with suppress(OSError):
            for at in range(0, len(content), _PART):
                part = content[at : at + _PART]
                # Before the writing: who has the last byte may ask at once how many there were.
                self.server.sent[name] += len(part)
                self.wfile.write(part)
            self.wfile.flush()

    def cut(self) -> None:
        """End the connection as a broken line does."""
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.behaviours: dict[str, Behaviour] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.sent: Counter[str] = Counter()
        self.connections = 0
        self.ended = threading.Event()
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    @property
    def guest_url(self) -> str:
        """The same server, for a guest."""
        return f"{self.scheme}://{HOST_OF_GUESTS}:{self.server_port}"

    def behaviour(self, name: str) -> Behaviour | None:
        """How a name is served; one that is named itself goes before patterns."""
        if name in self.behaviours:
            return self.behaviours[name]
        fits = (b for pattern, b in self.behaviours.items() if fnmatch.fnmatchcase(name, pattern))
        return next(fits, None)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serving(folder: Path, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(folder)
    if tls is not None:
        # The handshake is done by the thread of the connection: none may hold up the others.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def authority(folder: Path, *names: str) -> tuple[ssl.SSLContext, Path]:
    """The context of a server with a certificate for ``names``, and the file of who signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "update server")])
    start = datetime.now(UTC) - timedelta(days=1)
    alternatives: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n)
        for n in names
    ]
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "server.crt", folder / "server.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context, certificate
