# SPDX-License-Identifier: Apache-2.0
"""The host's own layer, file by file: what a person laid below /etc/codex.

By default there is nothing but empty folders, so every file is a difference. What this version
knows is told with what it sets; what it does not know is named: a newer version may have left it.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.config import formats
from codex_agent.config.layers import file_layer
from codex_agent.config.model import KEYS
from codex_agent.config.update import KEYS as UPDATE_KEYS
from codex_agent.host.reading import Unreadable
from codex_agent.host.root import why
from codex_agent.repos import allow
from codex_agent.repos.errors import RepoError
from codex_agent.state import settings
from codex_agent.state.model import Findings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_agent.host.root import Root
    from codex_agent.state.model import Setting

PLACE = "/etc/codex"
FOLDERS = ("", "network", "ssh", "probes.d")
# Made by `codex repos add`.
_LATER = ("repos",)
VENDOR_NETWORK = "/usr/lib/systemd/network"
_USER = re.compile(r"ssh/[a-z_][a-z0-9_-]{0,30}\$?", re.ASCII)
_NETWORK = re.compile(r"network/[^/]+\.(network|netdev|link)", re.ASCII)
_NETWORK_DROP_IN = re.compile(r"network/[^/]+\.(network|netdev|link)\.d/[^/]+\.conf", re.ASCII)
_PROBE = re.compile(r"probes\.d/[^/]+\.toml", re.ASCII)
_ENTRIES = 10_000  # a layer has a few files; what has more is no layer
_DEEPEST = 8
_OWNER = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What a file of the layer is, what it sets, and what is wrong with it."""

    message: str
    settings: tuple[Setting, ...] = ()
    wrong: str | None = None


def compare(root: Root) -> Findings:
    """Compare the layer with the default, which is empty."""
    found = Findings("layer")
    left = _ENTRIES
    for name, status in _walk(root, found, "", _DEEPEST):
        left -= 1
        if left < 0:
            found.unreadable(PLACE, f"it has more than {_ENTRIES} entries")
            break
        found.compared += 1
        _entry(root, found, name, status)
    return found


def _walk(
    root: Root, found: Findings, folder: str, depth: int
) -> Iterator[tuple[str, os.stat_result]]:
    place = f"{PLACE}/{folder}".rstrip("/")
    if depth == 0:
        found.unreadable(place, "it lies too deep")
        return
    for name in found.names(root.names, place):
        inside = f"{folder}/{name}".lstrip("/")
        try:
            status = os.lstat(root.at(f"{PLACE}/{inside}"))
        except OSError as error:
            found.unreadable(f"{PLACE}/{inside}", why(f"{PLACE}/{inside}", error).reason)
            continue
        yield inside, status
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(root, found, inside, depth - 1)


def _entry(root: Root, found: Findings, name: str, status: os.stat_result) -> None:
    place = f"{PLACE}/{name}"
    wrong = _rights(status, _OWNER)
    if wrong is not None:
        found.differs(place, "rights", wrong)
    if stat.S_ISLNK(status.st_mode):
        target = Path(root.at(place)).readlink()
        found.differs(place, "link", f"a link to {target}; what it leads to counts as the file")
    elif stat.S_ISDIR(status.st_mode):
        if name not in (*FOLDERS, *_LATER) and not _is_drop_in_folder(name):
            found.differs(place, "unknown", "a folder that this version does not know")
    elif not stat.S_ISREG(status.st_mode):
        found.differs(place, "unknown", "neither a file nor a folder")
    else:
        _file(root, found, name)


def _is_drop_in_folder(name: str) -> bool:
    return name.endswith(".d") and _NETWORK.fullmatch(name.removesuffix(".d")) is not None


def _rights(status: os.stat_result, owner: int) -> str | None:
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid != owner:
        return f"belongs to user {status.st_uid}, not to root"
    if stat.S_ISLNK(status.st_mode):
        return None
    if mode & 0o022:
        return f"has mode {mode:04o}: others than root may write to it"
    if mode & 0o7000 and not stat.S_ISDIR(status.st_mode):
        return f"has mode {mode:04o}, which gives rights to whoever runs it"
    return None


def _file(root: Root, found: Findings, name: str) -> None:
    place = f"{PLACE}/{name}"
    reader = _reader(name)
    if reader is None:
        found.differs(place, "unknown", "a file that this version does not know")
        return
    try:
        known = reader(root, place)
    except Unreadable as error:
        found.differs(place, "added", "what it sets could not be read")
        found.unreadable(place, error.reason)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        found.differs(place, "added", f"it is not valid and sets nothing: {error}")
    else:
        message = f"{known.message}; NOT VALID: {known.wrong}" if known.wrong else known.message
        found.differs(place, "added", message, settings=known.settings)


def _reader(name: str) -> Callable[[Root, str], Known] | None:
    if name in _EXACT:
        return _EXACT[name]
    for pattern, reader in _FAMILIES:
        if pattern.fullmatch(name):
            return reader
    return None


def _agent(root: Root, place: str) -> Known:
    wrong = file_layer(root, place, KEYS).problems
    return Known("settings of the agent", settings.agent(root), wrong[0].message if wrong else None)


def _updates(root: Root, place: str) -> Known:
    wrong = file_layer(root, place, UPDATE_KEYS).problems
    text = "policy of updates"
    return Known(text, settings.updates(root), wrong[0].message if wrong else None)


def _hostname(root: Root, place: str) -> Known:
    wrong = formats.hostname(root.text(place, settings.LIMIT))
    return Known("name of the host", settings.hostname(root, place), wrong)


def _keys(root: Root, place: str) -> Known:
    user = place.rpartition("/")[2]
    wrong = formats.authorized_keys(root.text(place, settings.LIMIT))
    return Known(f"may log in as {user}: {settings.keys(root, place)}", (), wrong)


def _network(root: Root, place: str) -> Known:
    name = place.rpartition("/")[2]
    check = formats.network_file if name.endswith(".network") else formats.unit_file
    wrong = check(root.text(place, settings.LIMIT))
    replaces = root.exists(f"{VENDOR_NETWORK}/{name}")
    text = f"network; takes the place of {VENDOR_NETWORK}/{name}" if replaces else "network"
    return Known(text, (), wrong)


def _drop_in(root: Root, place: str) -> Known:
    return Known(
        "network, added to a file", (), formats.unit_file(root.text(place, settings.LIMIT))
    )


def _probe(root: Root, place: str) -> Known:
    return Known(f"a probe of this host: {settings.probe(root, place)}")


def _repositories(root: Root, place: str) -> Known:
    try:
        names = [
            entry.name for entry in allow.parsed(Path(place), root.data(place, settings.LIMIT))
        ]
    except RepoError as error:
        return Known("repositories that are shown", (), error.message)
    return Known(f"repositories that are shown: {', '.join(names) or 'none'}")


def _lock(root: Root, place: str) -> Known:
    empty = not root.data(place, settings.LIMIT)
    return Known("a lock, without content", (), None if empty else "it is not empty")


_EXACT: dict[str, Callable[[Root, str], Known]] = {
    "agent.toml": _agent,
    "update.toml": _updates,
    "hostname": _hostname,
    f"repos/{allow.NAME}": _repositories,
    "repos/.lock": _lock,
}
_FAMILIES: tuple[tuple[re.Pattern[str], Callable[[Root, str], Known]], ...] = (
    (_USER, _keys),
    (_NETWORK, _network),
    (_NETWORK_DROP_IN, _drop_in),
    (_PROBE, _probe),
)
