# SPDX-License-Identifier: Apache-2.0
"""Opens directories of users. What counts is where an opened directory is, not how it was named."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.repos.errors import DamagedError, GoneError, NotAllowedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory that is open: its handle, its real path, and which one it is."""

    handle: int
    path: Path
    identity: tuple[int, int]


@contextmanager
def opened(path: Path, roots: Sequence[Path]) -> Iterator[Folder]:
    """Open a directory; NotAllowedError where it does not lie in a root, GoneError without it."""
    try:
        handle = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        raise GoneError(f"There is no directory {path}.", "codex repos list") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is not valid"
        raise NotAllowedError(f"{path} cannot be opened: {why}.", f"ls -ld {path}") from None
    try:
        real = where(handle)
        if real is None:
            raise GoneError(f"{path} was removed while it was opened.", "codex repos list")
        if not inside(real, roots):
            raise NotAllowedError(
                f"{path} is {real}, which is in none of the roots for repositories.",
                f"Roots: {', '.join(map(str, roots)) or 'none are set'}.",
            )
        status = os.fstat(handle)
        yield Folder(handle, real, (status.st_dev, status.st_ino))
    finally:
        os.close(handle)


def where(handle: int) -> Path | None:
    """Return the path of what is open as the kernel knows it; None when it was removed."""
    link = os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115 - of a handle, not of a file
    if os.fstat(handle).st_nlink == 0 or link.endswith(_DELETED):
        return None
    return Path(link)


def inside(real: Path, roots: Sequence[Path]) -> bool:
    """Say whether a real path lies in a root, by the real path that the root has now."""
    for root in roots:
        try:
            handle = os.open(root, _FLAGS)
        except OSError:
            continue
        try:
            base = where(handle)
        finally:
            os.close(handle)
        if base is not None and real.is_relative_to(base):
            return True
    return False


def small_file(folder: Folder, name: str, most: int) -> bytes | None:
    """Return the content of a regular file in ``folder``, or None where there is none.

    A pipe is not waited for, a link is not followed, and what is longer than ``most`` is refused.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    where_ = folder.path / name
    try:
        handle = os.open(name, flags, dir_fd=folder.handle)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotAllowedError(
            f"{where_} cannot be read: {error.strerror}.", f"ls -l {where_}"
        ) from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise NotAllowedError(f"{where_} is not a regular file.", f"ls -l {where_}")
        content = b""
        while len(content) <= most and (part := os.read(handle, most + 1 - len(content))):
            content += part
    finally:
        os.close(handle)
    if len(content) > most:
        raise DamagedError(f"{where_} is longer than {most} bytes.", "It cannot be what git wrote.")
    return content


def links_inside(folder: Folder, name: str, roots: Sequence[Path], most: int) -> None:
    """Refuse a subdirectory that is, or holds, a link out of the roots; none is none."""
    path = folder.path / name
    try:
        handle = os.open(name, _FLAGS, dir_fd=folder.handle)
    except FileNotFoundError:
        return
    except OSError as error:
        raise NotAllowedError(
            f"{path} cannot be opened: {error.strerror}.", f"ls -ld {path}"
        ) from None
    try:
        real = where(handle)
        if real is None or not inside(real, roots):
            raise _outside(path)
        with os.scandir(handle) as entries:
            for count, entry in enumerate(entries):
                if count >= most:
                    raise DamagedError(f"{path} has more than {most} files.", "git gc")
                if entry.is_symlink() and not inside(
                    Path(os.path.realpath(real / entry.name)), roots
                ):
                    raise _outside(path / entry.name)
    finally:
        os.close(handle)


def _outside(path: Path) -> NotAllowedError:
    return NotAllowedError(
        f"{path} leads out of the roots for repositories.", f"ls -l {path}; copy what it points at."
    )
