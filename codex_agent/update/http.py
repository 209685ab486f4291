# SPDX-License-Identifier: Apache-2.0
"""Fetches over HTTPS by the standard library: verified, bounded in time, redirected nowhere else.

The agent's locked libraries have no HTTP client; this needs no more than GET with Range.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import codex_agent
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.source import Broken, Missing, Opened, must_be_openable

if TYPE_CHECKING:
    from urllib.parse import SplitResult

TIMEOUT_S = 30.0  # for an answer to begin, and for each further part of it
REDIRECTS = 5
_POLL_S = 0.1
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_MOVED = frozenset({301, 302, 303, 307, 308})


class Watchdog:
    """Cuts a connection at its deadline.

    A socket's own timeout begins anew with every byte: a server that drips could hold us for ever.
    """

    def __init__(self) -> None:
        self.fired = False
        self._socket: socket.socket | None = None
        self._deadline = 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def arm(self, sock: socket.socket | None, seconds: float) -> None:
        """Give the next operation on ``sock`` so many seconds."""
        with self._lock:
            self._socket, self._deadline = sock, time.monotonic() + seconds
            self.fired = False
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()

    def disarm(self) -> None:
        """Watch no longer: the operation has ended."""
        with self._lock:
            self._socket = None

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_S):
            with self._lock:
                if self._socket is not None and time.monotonic() >= self._deadline:
                    self.fired = True
                    with suppress(OSError):
                        # Not the method of a TLS socket, which is not made for a second thread.
                        socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                    self._socket = None

    def end(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()


class Http:
    """A folder on a server; one connection is kept for one file after the other."""

    def __init__(
        self,
        address: str,
        *,
        allow_http: bool = False,
        ca_file: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.label = address
        self._base = address.rstrip("/") + "/"
        self._host = urlsplit(address).hostname
        self._schemes = ("https", "http") if allow_http else ("https",)
        self._timeout_s = timeout_s
        self._watchdog = Watchdog()
        self._connection: http.client.HTTPConnection | None = None
        # The library lets go of the socket when an answer is the last one; we must not.
        self._socket: socket.socket | None = None
        self._answered: http.client.HTTPResponse | None = None
        self._place: tuple[str, str, int | None] | None = None
        try:
            self._tls = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError):
            hint = "ca_file in /etc/codex/update.toml must be a PEM file with certificates."
            raise UpdateError(Exit.FAILED, f"{ca_file} cannot be used.", hint) from None

    def close(self) -> None:
        """Close the connection and end the watchdog."""
        self._drop()
        self._watchdog.end()

    def open(self, name: str, start: int = 0) -> Opened:
        """Ask for a file from ``start`` on."""
        must_be_openable(name)
        url = urljoin(self._base, name)
        for _ in range(REDIRECTS + 1):
            answer = self._answer(url, start)
            if answer.status not in _MOVED:
                return self._opened(name, answer, start)
            url = self._redirected(url, answer.getheader("Location"))
            self._drop()
        raise Broken(self.label, f"redirects {name} more than {REDIRECTS} times")

    def _answer(self, url: str, start: int) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        reused = self._connection is not None and self._place == _place(parts)
        try:
            return self._ask(parts, start)
        except Broken:
            # A kept connection may have been closed by the server while it was idle.
            if not reused or self._watchdog.fired:
                raise
            return self._ask(parts, start)

    def _ask(self, parts: SplitResult, start: int) -> http.client.HTTPResponse:
        headers = {
            "User-Agent": f"codex-os-update/{codex_agent.__version__}",
            "Accept-Encoding": "identity",
        }
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            connection = self._connected(parts)
            self._watchdog.arm(self._socket, self._timeout_s)
            connection.request("GET", parts.path or "/", headers=headers)
            self._answered = connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._broken(error) from None
        else:
            return self._answered
        finally:
            self._watchdog.disarm()

    def _connected(self, parts: SplitResult) -> http.client.HTTPConnection:
        if self._connection is not None and self._place == _place(parts):
            return self._connection
        self._drop()
        host = parts.hostname or ""
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        sock: socket.socket = socket.create_connection((host, port), self._timeout_s)
        try:
            if secure:
                # Wrapped without a handshake first: the handshake must be under watch as well.
                sock = self._tls.wrap_socket(
                    sock, server_hostname=host, do_handshake_on_connect=False
                )
                self._watchdog.arm(sock, self._timeout_s)
                sock.do_handshake()
        except BaseException:
            sock.close()
            raise
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(host, port, timeout=self._timeout_s)
        connection.sock = sock
        connection.auto_open = 0
        self._connection, self._socket, self._place = connection, sock, _place(parts)
        return connection

    def _drop(self) -> None:
        for held in (self._answered, self._connection, self._socket):
            if held is not None:
                held.close()
        self._answered = self._connection = self._socket = None

    def _broken(self, error: Exception) -> UpdateError:
        fired = self._watchdog.fired
        self._drop()
        if fired or isinstance(error, TimeoutError):
            return Broken(self.label, f"did not answer within {self._timeout_s:.0f} s")
        if isinstance(error, ssl.SSLCertVerificationError):
            return UpdateError(
                Exit.UNREACHABLE,
                f"The certificate of {self.label} is not valid: {error.verify_message}.",
                "For an authority of your own, name its file as ca_file in /etc/codex/update.toml.",
            )
        if isinstance(error, ssl.SSLError):
            return Broken(self.label, "does not speak TLS as it should")
        if isinstance(error, socket.gaierror):
            return Broken(self.label, "has a name that cannot be looked up")
        if isinstance(error, OSError) and not isinstance(error, http.client.HTTPException):
            return Broken(self.label, f"cannot be reached: {(error.strerror or 'cut').lower()}")
        return Broken(self.label, "does not speak HTTP as it should")

    def _redirected(self, url: str, location: str | None) -> str:
        try:
            target = urljoin(url, location or "")
            parts = urlsplit(target)
            _ = parts.port
        except ValueError:
            raise Broken(self.label, "redirects to what is not an address") from None
        downgrade = urlsplit(url).scheme == "https" and parts.scheme != "https"
        if parts.scheme not in self._schemes or downgrade:
            raise Broken(self.label, "redirects to an address that is not https://")
        if parts.hostname != self._host or parts.username is not None:
            raise Broken(self.label, f"redirects to another host ({parts.hostname})")
        if not location or not target.isascii() or not target.isprintable() or " " in target:
            raise Broken(self.label, "redirects to what is not an address")
        return target

    def _opened(self, name: str, answer: http.client.HTTPResponse, start: int) -> Opened:
        if answer.status in (404, 410):
            self._drop()
            raise Missing(self.label, name)
        if answer.status == 416 and start:
            # What is here is not the beginning of what is there: from the beginning, then.
            self._drop()
            return self.open(name, 0)
        begin, total = self._extent(name, answer, start)

        def read(size: int) -> bytes:
            try:
                self._watchdog.arm(self._socket, self._timeout_s)
                part = answer.read1(size)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise self._broken(error) from None
            finally:
                self._watchdog.disarm()
            if not part and self._watchdog.fired:
                raise self._broken(TimeoutError())
            return part

        def close() -> None:
            # Without its end an answer would be taken for the next one.
            whole = answer.isclosed() or answer.length == 0
            answer.close()
            if not whole or answer.will_close:
                self._drop()

        return Opened(begin, total, read, close)

    def _extent(
        self, name: str, answer: http.client.HTTPResponse, start: int
    ) -> tuple[int, int | None]:
        """Return where the answer begins in the file, and how long the file is said to be."""
        if answer.getheader("Content-Encoding", "identity") != "identity":
            self._drop()
            raise Broken(self.label, f"sends {name} in another encoding than was asked for")
        if answer.status == 206 and start:
            found = _RANGE.fullmatch(answer.getheader("Content-Range", "").strip())
            if found and int(found[1]) == start and int(found[2]) == int(found[3]) - 1:
                return start, int(found[3])
            self._drop()
            raise Broken(self.label, f"sends another part of {name} than was asked for")
        if answer.status != 200:
            self._drop()
            raise Broken(self.label, f"answers {answer.status} for {name}")
        length = answer.getheader("Content-Length", "").strip()
        return 0, int(length) if _LENGTH.fullmatch(length) else None


def _place(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port
