# SPDX-License-Identifier: Apache-2.0
"""The token of the API: drawn at random on the host, or given to it as a credential."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from codex_agent.config import formats
from codex_agent.config.inputs import SYSTEM_CREDENTIALS, TOKEN
from codex_agent.errors import CodexError
from codex_agent.host.reading import Unreadable
from codex_agent.problem import Problem
from codex_agent.provision import files

if TYPE_CHECKING:
    from pathlib import Path

    from codex_agent.host.root import Root

_BYTES = 32


def draw() -> str:
    """Return 32 random bytes as 43 characters of base64url."""
    return secrets.token_urlsafe(_BYTES)


def given(root: Root, credentials: str | None) -> tuple[str | None, Problem | None]:
    """Return the token that this host was given, or what is wrong with it."""
    for folder in (credentials, SYSTEM_CREDENTIALS):
        if not folder:
            continue
        path = f"{folder}/{TOKEN}"
        try:
            text = root.text(path)
        except Unreadable as error:
            if error.absent or error.denied:
                continue
            return None, Problem(f"{error.reason}.", f"Give the credential {TOKEN} anew.")
        wrong = formats.token(text)
        if wrong is None:
            return text.strip("\r\n"), None
        hint = f"Give {TOKEN} at least 32 characters of A-Z, a-z, 0-9, _ and -, or leave it out."
        return None, Problem(f"The credential {TOKEN} is not used: {wrong}.", hint)
    return None, None


def load(path: Path) -> str | None:
    """Return the token in a file, or None where there is none."""
    content = files.read(path, files.SECRET_FILE)
    if content is None:
        return None
    text = content.decode("ascii", "replace")
    wrong = formats.token(text)
    if wrong is not None:
        hint = "codex token rotate makes a new one."
        raise CodexError(f"{path} holds no token: {wrong}.", hint=hint)
    return text.strip("\r\n")


def store(path: Path, value: str) -> None:
    """Write a token."""
    files.write(path, f"{value}\n".encode("ascii"), files.SECRET_FILE)


def ensure(path: Path, root: Root, credentials: str | None, changes: list[str]) -> Problem | None:
    """See to it that there is a token; return what is wrong with a given one.

    A given token wins. One that is not valid is told and not used: the host keeps its own, which
    nobody knows who has not been let in, rather than none.
    """
    wanted, problem = given(root, credentials)
    present = None if wanted is not None else load(path)
    if wanted is not None:
        content = files.read(path, files.SECRET_FILE)
        if content != f"{wanted}\n".encode("ascii"):
            store(path, wanted)
            changes.append(f"took the token from the credential {TOKEN}")
    elif present is None:
        store(path, draw())
        changes.append("made a token")
    return problem
