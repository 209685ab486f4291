# SPDX-License-Identifier: Apache-2.0
"""The files of our packages on a host without a seal, against the sums that dpkg keeps.

They tell of accidents and of hands, not of somebody who changed the sums as well: only an image is
guarded against that.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable
from codex_agent.host.root import why
from codex_agent.state.model import Findings

if TYPE_CHECKING:
    from codex_agent.host.root import Root

INFO = "/var/lib/dpkg/info"
_SUMS = re.compile(r"(codex-[a-z0-9+.-]+)(:[a-z0-9-]+)?\.md5sums", re.ASCII)
_LINE = re.compile(r"(?P<sum>[0-9a-f]{32})  (?P<path>[^\0]+)", re.ASCII)
_LIMIT = 16 * 1024 * 1024
_PART = 1024 * 1024


def compare(root: Root) -> Findings:
    """Compare every file of every package of ours that is installed."""
    found = Findings("packages")
    lists = [name for name in found.names(root.names, INFO) if _SUMS.fullmatch(name)]
    if not lists and not found.unread:
        found.unreadable(INFO, "no package of ours is installed, so there is nothing to go by")
    for name in lists:
        _package(root, found, name)
    return found


def _package(root: Root, found: Findings, name: str) -> None:
    package = name.removesuffix(".md5sums")
    try:
        lines = root.text(f"{INFO}/{name}", _LIMIT).splitlines()
    except Unreadable as error:
        found.unreadable(package, error.reason)
        return
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or ".." in match["path"].split("/"):
            found.unreadable(package, f"{INFO}/{name} has a line that is no sum of a file")
            return
        _file(root, found, package, f"/{match['path']}", match["sum"])


def _file(root: Root, found: Findings, package: str, path: str, wanted: str) -> None:
    found.compared += 1
    try:
        actual = _sum(root, path)
    except Unreadable as error:
        if error.absent:
            found.differs(path, "missing", f"{package} has it")
        else:
            found.unreadable(path, error.reason)
        return
    if actual is None:
        found.differs(path, "changed", f"{package} has a file there")
    elif actual != wanted:
        found.differs(path, "changed", f"it is not as {package} has it")


def _sum(root: Root, path: str) -> str | None:
    """Return the sum of a file, None where there is something else."""
    total = hashlib.md5(usedforsecurity=False)
    try:
        handle = os.open(root.at(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None
            while part := os.read(handle, _PART):
                total.update(part)
        finally:
            os.close(handle)
    except OSError as error:
        raise why(path, error) from None
    return total.hexdigest()
