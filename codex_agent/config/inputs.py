# SPDX-License-Identifier: Apache-2.0
"""Checks what a person gave to this host: files below /etc/codex, and system credentials.

What may not be read without more privilege is left to the next reader that has it (the health gate
runs as root); it is never taken for valid, and never for wrong.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_agent.config import formats, update
from codex_agent.config.layers import file_layer, nearest
from codex_agent.host.reading import Unreadable
from codex_agent.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.host.root import Root

    Check = Callable[[str], str | None]

PLACE = "/etc/codex"
SYSTEM_CREDENTIALS = "/run/credentials/@system"
TOKEN = "codex.token"  # noqa: S105 - the name of a credential, no secret
AGENT = "codex.agent"
_LIMIT = 64 * 1024  # bytes

# Credentials by exact name, then by the prefix of a family.
_CREDENTIALS: dict[str, Check] = {
    TOKEN: formats.token,
    "system.hostname": formats.hostname,
    "ssh.authorized_keys.root": formats.authorized_keys,
    "ssh.ephemeral-authorized_keys-all": formats.authorized_keys,
}
_FAMILIES: dict[str, Check] = {
    "network.network.": formats.network_file,
    "network.netdev.": formats.unit_file,
    "network.link.": formats.unit_file,
}
_OURS = [AGENT, TOKEN]
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}\$?", re.ASCII)


def problems(root: Root, credentials: str | None = None) -> list[Problem]:
    """Return what is wrong with the files and credentials that this process may read.

    ``credentials`` is the folder of the unit's own credentials.
    """
    found = _files(root) + update.load(root).problems
    seen: set[str] = set()
    for folder in (credentials, SYSTEM_CREDENTIALS):
        if folder:
            found += _credentials(root, folder, seen)
    return found


def _files(root: Root) -> list[Problem]:
    found = _judge(root, f"{PLACE}/hostname", formats.hostname)
    for name in _names(root, f"{PLACE}/ssh"):
        path = f"{PLACE}/ssh/{name}"
        if not _USER.fullmatch(name):
            hint = "Name each file after the user whose keys it holds, without an ending."
            found.append(Problem(f"{path} is not named like a user.", hint))
        else:
            found += _judge(root, path, formats.authorized_keys)
    for name in _names(root, f"{PLACE}/network"):
        if name.endswith(".network"):
            found += _judge(root, f"{PLACE}/network/{name}", formats.network_file)
        elif name.endswith((".netdev", ".link")):
            found += _judge(root, f"{PLACE}/network/{name}", formats.unit_file)
    return found


def _credentials(root: Root, folder: str, seen: set[str]) -> list[Problem]:
    found: list[Problem] = []
    for name in _names(root, folder):
        if name in seen:
            continue
        seen.add(name)
        path = f"{folder}/{name}"
        check = _CREDENTIALS.get(name)
        for prefix, of_family in _FAMILIES.items():
            if name.startswith(prefix):
                check = of_family
        if check is not None:
            found += _judge(root, path, check, f"credential {name}")
        elif name == AGENT:
            # As a layer it is read from the unit's own folder; here it is judged for the gate.
            if folder == SYSTEM_CREDENTIALS:
                found += file_layer(root, path).problems
        elif name.startswith("codex."):
            close = nearest(name, _OURS)
            hint = f"Did you mean {close}?" if close else f"Known are: {', '.join(_OURS)}."
            found.append(Problem(f"The credential {name} is not known.", hint))
    return found


def _names(root: Root, folder: str) -> list[str]:
    try:
        return [name for name in root.names(folder) if not name.startswith(".")]
    except Unreadable:
        return []


def _judge(root: Root, path: str, check: Check, label: str | None = None) -> list[Problem]:
    """Return what is wrong with one file; one that is absent or not ours to read is no problem."""
    name = label or path
    hint = f"Correct {name} or remove it."
    try:
        wrong = check(root.text(path, _LIMIT))
    except Unreadable as error:
        if error.absent or error.denied:
            return []
        return [Problem(f"{error.reason}.", hint)]
    return [Problem(f"{name} is not valid: {wrong}.", hint)] if wrong else []
