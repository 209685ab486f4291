# SPDX-License-Identifier: Apache-2.0
"""Puts a service together from the host's configuration and credentials, and runs it."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import codex_agent
from codex_agent.api import listen, logs, pages
from codex_agent.api.app import create
from codex_agent.api.repos.common import Repos
from codex_agent.api.server import serve, tls
from codex_agent.api.service import Identity, Service
from codex_agent.config import formats
from codex_agent.config.judgement import judgement
from codex_agent.config.load import load
from codex_agent.errors import CodexError
from codex_agent.host.checks import outcome
from codex_agent.host.reading import Unreadable
from codex_agent.host.release import version_of
from codex_agent.host.root import Root
from codex_agent.host.snapshot import Sample, take
from codex_agent.repos import allow
from codex_agent.repos.errors import RepoError

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

LOG = logging.getLogger("codex.api")
_LIMIT = 64 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Credentials:
    """The folder with ``server.crt``, ``server.key`` and ``token``."""

    folder: Path

    def read(self, name: str) -> bytes:
        """Return the content of one of the files."""
        path = self.folder / name
        try:
            with path.open("rb") as stream:
                return stream.read(_LIMIT)
        except OSError as error:
            reason = (error.strerror or "unknown error").lower()
            hint = "codex provision makes it; by hand, name its folder with --credentials."
            raise CodexError(f"{path} cannot be read: {reason}.", hint=hint) from None

    def token(self) -> str:
        """Return the token."""
        text = self.read("token").decode("ascii", "replace")
        wrong = formats.token(text)
        if wrong is not None:
            hint = "codex token rotate makes a new one."
            raise CodexError(f"{self.folder / 'token'} holds no token: {wrong}.", hint=hint)
        return text.strip("\r\n")


def identity(credentials: Credentials, root: Root) -> Identity:
    """Return version, and names and end of the certificate."""
    from cryptography import x509

    from codex_agent.provision.leaf import covered

    path = credentials.folder / "server.crt"
    try:
        certificate = x509.load_pem_x509_certificate(credentials.read("server.crt"))
        names = covered(certificate)
    except ValueError:
        hint = "codex provision makes it anew."
        raise CodexError(f"{path} is not a valid certificate.", hint=hint) from None
    return Identity(
        version=version_of(root) or codex_agent.__version__,
        names=(*names.dns, *(str(address) for address in names.addresses)),
        valid_until=certificate.not_valid_after_utc,
    )


def run(address: str | None, folder: str | None) -> None:
    """Serve until a signal comes."""
    root = Root()
    credentials_folder = os.environ.get("CREDENTIALS_DIRECTORY")
    loaded = load(root, os.environ, credentials=credentials_folder)
    logs.set_up(loaded.config.log.level)
    for problem in loaded.problems:
        LOG.error("%s %s", problem.message, problem.hint)

    credentials = Credentials(Path(folder or credentials_folder or "/var/lib/codex/agent"))
    me = identity(credentials, root)
    context = tls(credentials.folder / "server.crt", credentials.folder / "server.key")
    itself = outcome("ok", "The service answers.")

    def sample() -> Sample:
        around = judgement(root, os.environ, itself, credentials=credentials_folder)
        return take(root, around)

    service = Service(
        identity=me,
        token=credentials.token(),
        allowed_hosts=loaded.config.service.allowed_hosts,
        root=root,
        take=sample,
        interval_s=loaded.config.service.sample_interval_s,
        pages=pages.load(),
        repos=repositories(root, loaded.config.repos.roots),
    )
    serve(create(service), _sockets(address), context)


def repositories(root: Root, roots: Iterable[str]) -> Repos:
    """Return what may be shown of repositories, kept where the unit says."""
    path = f"{allow.FOLDER}/{allow.NAME}"

    def listed() -> list[allow.Entry]:
        try:
            content = root.data(path, _LIMIT)
        except Unreadable as error:
            if error.absent:
                return []
            raise RepoError(f"{error.reason}.", f"ls -l {path}") from None
        return allow.parsed(Path(path), content)

    return Repos(
        listed,
        [Path(path) for path in roots],
        Path(os.environ.get("CACHE_DIRECTORY", "/var/cache/codex-agent")) / "repos",
        Path(os.environ.get("STATE_DIRECTORY", "/var/lib/codex-agent")) / "notes",
    )


def _sockets(address: str | None) -> list[socket.socket]:
    handed = listen.handed_over(os.environ)
    if handed and address is not None:
        hint = "Set the address in codex-agent.socket."
        raise CodexError("systemd gives the socket, --listen has no place here.", hint=hint)
    return handed or [listen.own(address or listen.DEFAULT)]
