# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a program that roles hand to Python, no package
"""Prints which files and folders of a host are not as they have to be, one path a line.

Run by ``python3 -I - WANTED`` with this text as its input, where ``WANTED`` is JSON of the form
``{path: [mode, sum]}``: the mode in octal digits, the SHA-256 of the content, or ``folder``. All of
them belong to root. One question for many files: each task that looks for itself costs a host a
round trip, also where nothing changes. It changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys


def right(path: str, mode: str, wanted: str) -> bool:
    """Say whether a path is as it has to be; a link is not."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        status = os.fstat(file)
        owned = (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())
        if not owned or stat.S_IMODE(status.st_mode) != int(mode, 8):
            return False
        if wanted == "folder":
            return stat.S_ISDIR(status.st_mode)
        return stat.S_ISREG(status.st_mode) and _sum(file) == wanted
    finally:
        os.close(file)


def _sum(file: int) -> str:
    found = hashlib.sha256()
    while data := os.read(file, 1 << 16):
        found.update(data)
    return found.hexdigest()


def main(argv: list[str]) -> int:
    """Print the paths that are not right, folders before what lies in them."""
    wanted = json.loads(argv[0])
    print("\n".join(path for path in sorted(wanted) if not right(path, *wanted[path])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
