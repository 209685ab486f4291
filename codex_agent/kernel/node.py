# SPDX-License-Identifier: Apache-2.0
"""An open device node: ioctls with a structure, and mappings."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from codex_agent.kernel.errors import Refused, Unavailable

if TYPE_CHECKING:
    import ctypes


class Calls(Protocol):
    """What clients need of a node; tests put a kernel of their own behind it."""

    path: str

    def call(self, number: int, argument: ctypes.Structure) -> None:
        """Make an ioctl that reads and writes ``argument``; raises ``OSError``."""

    def map(self, length: int, offset: int) -> mmap.mmap:
        """Map ``length`` bytes at ``offset`` for reading and writing; raises ``OSError``."""

    def fileno(self) -> int:
        """Return the file descriptor, for ``poll``."""

    def close(self) -> None:
        """Close the node; once more does nothing."""


class Node:
    """A character device of one of our modules; closed at the latest when nobody refers to it."""

    def __init__(
        self, path: str, module: str, *, nonblocking: bool = False, absent: str | None = None
    ) -> None:
        """Open ``path``, or raise ``Unavailable`` that says what is missing.

        ``absent`` is the hint for a node that does not exist, if not to load the module.
        """
        absent = absent or f"load the module: modprobe {module}"
        self.path = path
        mode = os.O_RDWR | os.O_CLOEXEC | (os.O_NONBLOCK if nonblocking else 0)
        try:
            # Opening something else that lies there (a FIFO) could wait for ever.
            if not stat.S_ISCHR(Path(path).stat().st_mode):
                raise Unavailable(f"{path} is not a device", f"remove it, load {module} again")
            self._fd = os.open(path, mode)
        except OSError as error:
            raise _closed_door(path, absent, error) from None
        self._close = weakref.finalize(self, os.close, self._fd)

    def call(self, number: int, argument: ctypes.Structure) -> None:
        """Make an ioctl that reads and writes ``argument``; raises ``OSError``."""
        fcntl.ioctl(self.fileno(), number, argument, True)

    def map(self, length: int, offset: int) -> mmap.mmap:
        """Map ``length`` bytes at ``offset`` for reading and writing; raises ``OSError``."""
        return mmap.mmap(self.fileno(), length, flags=mmap.MAP_SHARED, offset=offset)

    def fileno(self) -> int:
        """Return the file descriptor, for ``poll``."""
        if not self._close.alive:
            raise Refused(f"{self.path} was closed", errno.EBADF)
        return self._fd

    def close(self) -> None:
        """Close the node; once more does nothing."""
        self._close()


def _closed_door(path: str, absent: str, error: OSError) -> Unavailable:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Unavailable(f"{path} does not exist", absent)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Unavailable(
            f"{path} may not be opened by this user", "be root or a member of the group codex"
        )
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return Unavailable(f"nothing answers at {path}", absent)
    return Unavailable(f"{path} cannot be opened: {error.strerror}", "see dmesg")


def answered(what: str, path: str, error: OSError, hints: dict[int, str]) -> Refused | Unavailable:
    """Return what to raise for an ioctl of ours that failed; ``hints`` are by errno."""
    number = error.errno or errno.EIO
    if number == errno.ENODEV:
        return Unavailable(f"{what}: the device behind {path} is gone", "open it anew")
    if number == errno.ENOTTY:
        return Unavailable(f"{path} does not know the call to {what}", "it is another's device")
    return Refused(what, number, hints.get(number))


#: What helps against refusals that every call of ours may give.
HINTS = {
    errno.EPERM: "be root, or load the module with require_admin=0",
    errno.E2BIG: "program and module are not of the same release",
}
