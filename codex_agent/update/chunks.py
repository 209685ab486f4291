# SPDX-License-Identifier: Apache-2.0
"""Gives casync the chunks of a source, on a port of this host that lives as long as it needs them.

casync has an HTTP client of its own, which follows redirects anywhere and sets no limits. So it
asks us, and we ask the source by the same rules as for every other file: only chunks that the
signed index names, none larger than it allows. What was fetched is kept, so that a download that
was cut moves only the rest.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.errors import CodexError
from codex_agent.update import names
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.fetch import Slow, disk_error
from codex_agent.update.source import Broken, Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_agent.update.fetch import Fetcher
    from codex_agent.update.index import Index

# What a chunk may be longer than its content: the frame of the compression.
_FRAME = 64 * 1024
_ATTEMPTS = 3


@dataclass
class Chunks:
    """The chunks of one index: those that are here, and those that the source has.

    ``tell`` gets the bytes that casync was given; how many it will need, it alone knows.
    ``error`` is what the source did wrong, ``missing`` the name of a chunk that it does not have.
    """

    index: Index
    cache: Path
    fetcher: Fetcher
    tell: Callable[[int], None]
    error: CodexError | None = None
    missing: str | None = None
    fetched: int = 0
    served: int = 0
    _known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._known = frozenset(self.index.chunks)
        # One pace for all of them: each by itself is too short to be slow.
        self.fetcher.pace.begin()

    def give(self, identifier: str) -> bytes | None:
        """Return a chunk, or None where it cannot be had; why is kept."""
        if identifier not in self._known or self.error is not None:
            return None
        kept = self.cache / identifier
        try:
            # A power cut may leave the name of a file without its content.
            content = kept.read_bytes() or self._fetch(identifier, kept)
        except FileNotFoundError:
            content = self._fetch(identifier, kept)
        if content is None:
            return None
        self.served += len(content)
        self.tell(self.served)
        return content

    def _fetch(self, identifier: str, kept: Path) -> bytes | None:
        try:
            return self._from_source(identifier, kept)
        except Missing:
            self.missing = identifier
        except CodexError as error:
            self.error = error
        return None

    def _from_source(self, identifier: str, kept: Path) -> bytes:
        for attempt in range(_ATTEMPTS):
            try:
                content = self.fetcher.chunk(names.chunk(identifier), self.index.chunk_max + _FRAME)
                break
            except Slow:
                raise
            except Broken:
                if attempt + 1 == _ATTEMPTS:
                    raise
                self.fetcher.sleep(2.0**attempt)
        self.fetched += len(content)
        # Not brought to the disk one by one: of a chunk that a power cut spoils, casync says so
        # (codex_agent/update/delta.py).
        unfinished = kept.with_name(f".{identifier}")
        try:
            unfinished.write_bytes(content)
            unfinished.rename(kept)
        except OSError as error:
            raise disk_error(error, self.cache) from None
        return content


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        """Answer one request of casync."""
        prefix, _, name = self.path.removeprefix("/").partition("/")
        content = None
        if secrets.compare_digest(prefix.encode(), self.server.prefix.encode()):
            identifier = Path(name).stem
            if names.openable(f"store/{name}"):
                content = self.server.chunks.give(identifier)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: progress is told elsewhere."""


class _Server(HTTPServer):
    """One connection after the other: casync has one, and the source is asked by one thread."""

    def __init__(self, chunks: Chunks) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.chunks = chunks
        self.prefix = secrets.token_urlsafe(16)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a casync that was ended leaves in the middle of an answer."""


@contextmanager
def served(chunks: Chunks) -> Iterator[str]:
    """Serve the chunks at the address that is given."""
    try:
        server = _Server(chunks)
    except OSError as error:
        why = (error.strerror or "unknown error").lower()
        hint = "ip address show dev lo"
        text = f"casync cannot be given its chunks: {why}."
        raise UpdateError(Exit.FAILED, text, hint) from None
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{server.prefix}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def prepare(folder: Path, index: Index) -> None:
    """Make the folder of the chunks; remove half-written ones and those of another version."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = frozenset(index.chunks)
    for entry in folder.iterdir():
        if entry.name not in known:
            entry.unlink()
