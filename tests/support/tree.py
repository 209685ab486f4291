# SPDX-License-Identifier: Apache-2.0
"""Walks an unpacked root file system. Paths in answers are absolute as the host would see them."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One file: ``path`` as on the host, ``real`` where it lies now, and its lstat."""

    path: str
    real: Path
    status: os.stat_result

    @property
    def is_file(self) -> bool:
        """Regular file."""
        return stat.S_ISREG(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        """Symbolic link."""
        return stat.S_ISLNK(self.status.st_mode)

    @property
    def is_directory(self) -> bool:
        """Directory."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def mode(self) -> int:
        """Permission bits with setuid, setgid and sticky."""
        return stat.S_IMODE(self.status.st_mode)


def walk(root: Path) -> Iterator[Entry]:
    """Yield every file below ``root`` (which itself is left out), links not followed."""
    for directory, names, files in os.walk(root):
        for name in sorted(names) + sorted(files):
            real = Path(directory) / name
            yield Entry("/" + str(real.relative_to(root)), real, real.lstat())


def resolve(root: Path, path: str) -> Path | None:
    """Where ``path`` of the host lies, with all symbolic links followed inside ``root``.

    None when it does not exist. Absolute link targets begin at ``root``, as after chroot(2).
    """
    parts = [part for part in path.split("/") if part]
    here = root
    for _ in range(4096):
        if not parts:
            return here
        part = parts.pop(0)
        if part == ".":
            continue
        if part == "..":
            here = here if here == root else here.parent
            continue
        there = here / part
        if there.is_symlink():
            target = str(there.readlink())
            if target.startswith("/"):
                here = root
            parts = [piece for piece in target.split("/") if piece] + parts
        elif there.exists():
            here = there
        else:
            return None
    raise AssertionError(f"{path} does not end: its symbolic links form a loop")


def privileged(root: Path) -> dict[str, str]:
    """Path and mode (four octal digits) of every setuid or setgid file."""
    return {
        entry.path: f"{entry.mode:04o}"
        for entry in walk(root)
        if entry.is_file and entry.mode & (stat.S_ISUID | stat.S_ISGID)
    }


def capabilities(root: Path) -> list[str]:
    """Paths of files with file capabilities."""
    return [
        entry.path
        for entry in walk(root)
        if entry.is_file and "security.capability" in os.listxattr(entry.real)
    ]


def world_writable(root: Path) -> list[str]:
    """Files and directories that everybody may write; sticky directories are not among them."""
    return [
        entry.path
        for entry in walk(root)
        if not entry.is_link
        and entry.mode & stat.S_IWOTH
        and not (entry.is_directory and entry.mode & stat.S_ISVTX)
    ]


def sticky_directories(root: Path) -> list[str]:
    """Directories that everybody may write, protected by the sticky bit."""
    return [
        entry.path
        for entry in walk(root)
        if entry.is_directory and entry.mode & stat.S_IWOTH and entry.mode & stat.S_ISVTX
    ]
