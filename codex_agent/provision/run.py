# SPDX-License-Identifier: Apache-2.0
"""Makes what a host must not be shipped with: authority, certificate, token.

It can be interrupted anywhere and run again at any time; what is good is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.provision import authority, files, leaf, names, token

if TYPE_CHECKING:
    from codex_agent.host.root import Root
    from codex_agent.problem import Problem

STATE = "var/lib/codex"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the things lie below the root of a file system."""

    state: Path

    @property
    def ca(self) -> Path:
        """Folder of the authority."""
        return self.state / "ca"

    @property
    def agent(self) -> Path:
        """Folder of what the service gets as its credentials."""
        return self.state / "agent"

    @property
    def token(self) -> Path:
        """File of the token."""
        return self.agent / "token"

    @property
    def public(self) -> Path:
        """Copy of the authority's certificate that everybody may read."""
        return self.state / "ca.crt"


@dataclass(frozen=True, slots=True)
class Report:
    """What was done, one clause each, and what was given to the host and is not valid."""

    changes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def places(base: str = "/") -> Places:
    """Return the places below ``base``."""
    return Places(Path(base) / STATE)


def provision(
    where: Places, root: Root, credentials: str | None = None, now: datetime | None = None
) -> Report:
    """See to it that all is there and good; ``root`` tells the host's names and credentials."""
    moment = (now or datetime.fromtimestamp(root.wall(), UTC)).replace(microsecond=0)
    report = Report()
    files.directory(where.state, files.PUBLIC_DIRECTORY)
    with files.lock(where.state):
        files.remove_unfinished(where.state)
        for folder in (where.ca, where.agent):
            files.directory(folder, files.SECRET_DIRECTORY)
            files.remove_unfinished(folder)
        wanted = names.current(root)
        signer = authority.ensure(where.ca, wanted.dns[-1], moment, report.changes)
        copy = authority.certificate_pem(signer.certificate)
        if files.read(where.public, files.PUBLIC_FILE) != copy:
            files.write(where.public, copy, files.PUBLIC_FILE)
        leaf.ensure(where.agent, signer, wanted, moment, report.changes)
        wrong = token.ensure(where.token, root, credentials, report.changes)
        if wrong is not None:
            report.problems.append(wrong)
    return report
