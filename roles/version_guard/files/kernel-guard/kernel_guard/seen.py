# SPDX-License-Identifier: Apache-2.0
"""Which modules each initramfs holds, kept between calls.

apt calls the guard after each piece of work, and to list an initramfs means to unpack it, which
takes seconds. What was found holds for as long as the file is the same one with the same content:
inode, size, and both times, of which no program can set the second.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kernel_guard.host import UnreadableError
from kernel_guard.state import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from kernel_guard.host import Host

PATH = f"{FOLDER}/initramfs.json"


class Seen:
    """What is known of each initramfs; ``save`` keeps what was asked for since."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._known = _load(host)
        self._asked: dict[str, dict[str, Any]] = {}

    def modules(self, place: str, ask: Callable[[], set[str]]) -> set[str]:
        """Return the modules in an initramfs; ``ask`` finds them where they are not known."""
        before = _identity(self._host, place)
        known = self._known.get(place)
        holds = known is not None and known["file"] == before
        found = set(known["modules"]) if known and holds else ask()
        # One that changed while it was read is not known.
        if _identity(self._host, place) == before:
            self._asked[place] = {"file": before, "modules": sorted(found)}
        return found

    def save(self) -> None:
        """Keep what was asked for, in one step; raise ``UnreadableError`` if that is impossible."""
        if self._asked != self._known:
            self._host.put(PATH, self._asked)


def _load(host: Host) -> dict[str, dict[str, Any]]:
    """Return what was kept; nothing of it where it cannot be read, for it can be asked again."""
    try:
        data = json.loads(host.text(PATH))
    except (UnreadableError, ValueError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {place: entry for place, entry in data.items() if _is_whole(entry)}


def _is_whole(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and set(entry) == {"file", "modules"}
        and isinstance(entry["modules"], list)
        and all(isinstance(name, str) for name in entry["modules"])
    )


def _identity(host: Host, place: str) -> list[int]:
    try:
        status = host.at(place).stat()
    except OSError as error:
        raise UnreadableError(f"{place} cannot be looked at: {error.strerror}") from None
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
