# SPDX-License-Identifier: Apache-2.0
"""Links by which a unit was enabled under another name: no unit of the administrator's own."""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable

if TYPE_CHECKING:
    from codex_agent.host.root import Root

#: Where packages have their units; a system without merged /usr has the first as a folder.
VENDOR = ("/lib/systemd/system/", "/usr/lib/systemd/system/")
_ALIAS = re.compile(r"^Alias[ \t]*=(.*)$", re.MULTILINE)
_LIMIT = 256 * 1024


def is_alias(root: Root, path: str) -> bool:
    """Say whether a path is a link to a packaged unit that names it as an alias."""
    try:
        target = os.readlink(root.at(path))  # noqa: PTH115 - a text, as the link has it
        place = str(PurePosixPath(path).parent / target)
        if ".." in place or not place.startswith(VENDOR):
            return False
        text = root.text(place, _LIMIT)
    except (OSError, Unreadable):
        return False
    names = [name for line in _ALIAS.findall(text) for name in line.split()]
    return PurePosixPath(path).name in names
