# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a program that a role hands to Python, no package
"""Makes files and folders of a host what they have to be, and prints what that changed.

Run by ``python3 -I -c`` with this text, and the order as JSON on its input. One question
for many files: each task that writes a file of its own costs a host three round trips or more. A
file is written beside its place and renamed, so whoever reads it finds the old one or the new one.
"""

from __future__ import annotations

import difflib
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

#: More of a difference is not shown.
SHOWN_LINES = 200


def main(order: dict[str, Any]) -> int:
    """Lay what ``order`` names; return the exit status.

    ``order``: ``wanted`` is ``{path: [mode, text]}`` with the mode in octal digits, and null as the
    text of a folder; ``dry`` changes nothing; ``show`` gives differences line by line. Folders come
    first, files in the given order. All of them come to belong to who runs this. Prints
    ``{path: [line, ...]}`` of what changed; the status is 1, with one sentence, if one cannot be.
    """
    changed: dict[str, list[str]] = {}
    wanted = order["wanted"]
    folders = sorted(path for path, (_, text) in wanted.items() if text is None)
    for path in [*folders, *(path for path in wanted if path not in folders)]:
        mode, text = wanted[path]
        try:
            if text is None:
                lines = lay_folder(path, int(mode, 8), dry=order["dry"])
            else:
                lines = lay_file(path, int(mode, 8), text.encode(), order)
        except OSError as problem:
            print(f"{path} cannot be written: {problem.strerror}.", file=sys.stderr)
            return 1
        if lines:
            changed[path] = lines
    print(json.dumps(changed))
    return 0


def lay_folder(path: str, mode: int, *, dry: bool) -> list[str]:
    """Make a folder, or its mode right; a link to one is one. Return what changed, in words."""
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        if not dry:
            Path(path).mkdir(0o700)
            os.chown(path, os.geteuid(), os.getegid())
            Path(path).chmod(mode)
        return ["new folder"]
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(20, "it is no folder")
    return _own(path, status, mode, dry=dry)


def lay_file(path: str, mode: int, content: bytes, order: dict[str, Any]) -> list[str]:
    """Write a file that is not as it has to be. Return what changed, in words."""
    dry, show = order["dry"], order["show"]
    status, before = _read(path)
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(21, "it is a folder")
    if status is not None and before == content:
        return _own(path, status, mode, dry=dry)
    if not dry:
        _replace(path, mode, content)
    if show:
        return _difference(path, before, content)
    return ["new file" if status is None else "other content"]


def _read(path: str) -> tuple[os.stat_result | None, bytes | None]:
    """Status and content; no content of a link, which is never followed, or of a device."""
    try:
        status = Path(path).lstat()
    except FileNotFoundError:
        return None, None
    if not stat.S_ISREG(status.st_mode):
        return status, None
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return status, file.read()


def _own(path: str, status: os.stat_result, mode: int, *, dry: bool) -> list[str]:
    found = []
    owner = (os.geteuid(), os.getegid())
    if (status.st_uid, status.st_gid) != owner:
        found.append(f"owner {status.st_uid}:{status.st_gid} -> {owner[0]}:{owner[1]}")
        if not dry:
            os.chown(path, *owner)
    if stat.S_IMODE(status.st_mode) != mode:
        found.append(f"mode {stat.S_IMODE(status.st_mode):04o} -> {mode:04o}")
    if found and not dry:
        Path(path).chmod(mode)
    return found


def _replace(path: str, mode: int, content: bytes) -> None:
    # Hidden, so no program takes it for a setting; what an interrupted run left is in the way.
    beside = Path(path).with_name(f".{Path(path).name}.new")
    beside.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            file.write(content)
            os.fchown(file.fileno(), os.geteuid(), os.getegid())
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _difference(path: str, before: bytes | None, content: bytes) -> list[str]:
    old = [] if before is None else before.decode(errors="replace").splitlines()
    new = content.decode(errors="replace").splitlines()
    names = ("/dev/null" if before is None else path, path)
    found = list(difflib.unified_diff(old, new, *names, lineterm=""))
    left_out = len(found) - SHOWN_LINES
    # Texts may differ by their last line's end alone.
    return [*found[:SHOWN_LINES], *([f"and {left_out} lines"] if left_out > 0 else [])] or [
        "other end of its last line"
    ]


if __name__ == "__main__":
    sys.exit(main(json.load(sys.stdin)))
