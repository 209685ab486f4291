# SPDX-License-Identifier: Apache-2.0
"""The tree of files that readings come from: the host's own, or a folder of fixtures."""

from __future__ import annotations

import errno
import os
import stat
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from codex_agent.host.reading import Reading, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# Nothing that is read here is longer; the bound keeps a hostile or broken file from eating memory.
TEXT_LIMIT = 256 * 1024

_REASONS = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist",
    errno.EACCES: "may not be read without more privilege",
    errno.EPERM: "may not be read without more privilege",
    errno.EISDIR: "is a directory",
    errno.EOPNOTSUPP: "is switched off in this kernel",
    errno.ELOOP: "is a loop of links",
}


def why(path: str, error: OSError) -> Unreadable:
    """Return the sentence that says why ``path`` could not be read."""
    text = _REASONS.get(error.errno or 0)
    if text is None:
        text = f"cannot be read: {os.strerror(error.errno)}" if error.errno else "cannot be read"
    absent = error.errno in (errno.ENOENT, errno.ENOTDIR)
    denied = error.errno in (errno.EACCES, errno.EPERM)
    return Unreadable(f"{path} {text}", absent=absent, denied=denied)


@dataclass(frozen=True)
class Root:
    """Reads below ``base``; every path is given as the host names it (``/proc/uptime``).

    ``monotonic`` and ``wall`` are the clocks in seconds, ``statvfs`` asks a mounted file system;
    tests replace all three.
    """

    base: str = "/"
    monotonic: Callable[[], float] = field(default=time.monotonic)
    wall: Callable[[], float] = field(default=time.time)
    statvfs_at: Callable[[str], os.statvfs_result] = field(default=os.statvfs)

    def at(self, path: str) -> str:
        """Return where ``path`` of the host lies on the machine that runs this."""
        return path if self.base == "/" else self.base.rstrip("/") + path

    def data(self, path: str, limit: int = TEXT_LIMIT) -> bytes:
        """Return the bytes of a file of at most ``limit`` bytes, or raise ``Unreadable``."""
        try:
            # Without O_NONBLOCK a FIFO in the place of a file would hold the reader for ever.
            handle = os.open(self.at(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise why(path, error) from None
        try:
            parts: list[bytes] = []
            left = limit + 1
            while left > 0 and (part := os.read(handle, left)):
                parts.append(part)
                left -= len(part)
        except OSError as error:
            raise why(path, error) from None
        finally:
            os.close(handle)
        if left <= 0:
            raise Unreadable(f"{path} is longer than {limit} bytes")
        return b"".join(parts)

    def text(self, path: str, limit: int = TEXT_LIMIT) -> str:
        """Return a file as UTF-8 text, or raise ``Unreadable``."""
        try:
            return self.data(path, limit).decode()
        except UnicodeDecodeError:
            raise Unreadable(f"{path} is not UTF-8 text") from None

    def names(self, path: str) -> list[str]:
        """Return the sorted names in a directory, or raise ``Unreadable``."""
        try:
            return sorted(os.listdir(self.at(path)))
        except OSError as error:
            raise why(path, error) from None

    def exists(self, path: str) -> bool:
        """Say whether ``path`` is there; a path that may not be looked at counts as absent."""
        return os.path.exists(self.at(path))

    def link_name(self, path: str) -> str:
        """Return the last part of what a symbolic link points at, or raise ``Unreadable``."""
        try:
            return os.path.basename(os.readlink(self.at(path)))
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise Unreadable(f"{path} is not a link") from None
            raise why(path, error) from None

    def file_age(self, path: str) -> float:
        """Return the seconds since a file was written, or raise ``Unreadable``.

        A time that lies in the future (the clock was set back) is no age and is refused.
        """
        try:
            status = os.stat(self.at(path))
        except OSError as error:
            raise why(path, error) from None
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{path} is not a regular file")
        age = self.wall() - status.st_mtime
        if age < -1:
            raise Unreadable(f"the time of {path} lies in the future, the clock was changed")
        return max(age, 0.0)

    def read(self, path: str, parse: Callable[[str], T]) -> Reading[T]:
        """Return the reading of one file; ``parse`` raises ``ValueError`` on what it cannot use."""
        return self.reading(path, lambda: parse(self.text(path)))

    def reading(self, source: str, take: Callable[[], T]) -> Reading[T]:
        """Return what ``take`` gives as a reading; a failure becomes its reason."""
        now = self.monotonic()
        try:
            return Reading(take(), source, now)
        except Unreadable as error:
            return Reading(None, source, now, error.reason)
        except ValueError as error:
            return Reading(None, source, now, f"{source} has unexpected content: {error}")
