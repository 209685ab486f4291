# SPDX-License-Identifier: Apache-2.0
"""Where updates come from: a folder (a USB disk as well), file://, https:// or http://."""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from codex_agent.update import names
from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from collections.abc import Callable


class Missing(UpdateError):  # noqa: N818 - what is so, not whose fault it is
    """The source says that it has no such file."""

    def __init__(self, label: str, name: str) -> None:
        hint = "Check the address; a release holds SHA256SUMS and the files that it names."
        super().__init__(Exit.UNREACHABLE, f"{label} has no {name}.", hint)


class Broken(UpdateError):  # noqa: N818 - as above
    """The source does not answer, or stopped; to try again may help, and moves only the rest."""

    def __init__(self, label: str, clause: str) -> None:
        hint = "Run the command again: what has been fetched is kept."
        super().__init__(Exit.UNREACHABLE, f"{label} {clause}.", hint)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file of a source from ``start`` on; ``total`` is its whole length where it is said.

    ``read`` returns some bytes, at most as many as are asked for, and none at the end.
    """

    start: int
    total: int | None
    read: Callable[[int], bytes]
    close: Callable[[], None]


class Source(Protocol):
    """What offers the files of releases."""

    label: str

    def open(self, name: str, start: int = 0) -> Opened:
        """Open a file from ``start`` on, or from its beginning where the source cannot do that."""

    def close(self) -> None:
        """Give back what the source holds open."""


def must_be_openable(name: str) -> None:
    """Raise for a name that no release has; whoever asks for one has a defect."""
    if not names.openable(name):
        raise ValueError(f"{name!r} is not the name of a file of a release")


class Directory:
    """A folder, as a USB disk or a network file system offers it."""

    def __init__(self, folder: Path) -> None:
        self.label = str(folder)
        self._folder = folder

    def open(self, name: str, start: int = 0) -> Opened:
        """Open a regular file; links and devices on a foreign disk are not followed."""
        must_be_openable(name)
        if not self._folder.is_dir():
            hint = "Check that the disk is there and mounted."
            raise UpdateError(Exit.UNREACHABLE, f"{self.label} is not a folder.", hint)
        try:
            handle = self._descend(name)
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise Missing(self.label, name) from None
            raise Broken(self.label, f"cannot be read: {_why(error)}") from None
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            raise Broken(self.label, f"has {name}, which is not a regular file")
        begin = start if start <= status.st_size else 0
        os.lseek(handle, begin, os.SEEK_SET)

        def read(size: int) -> bytes:
            try:
                return os.read(handle, size)
            except OSError as error:
                raise Broken(self.label, f"cannot be read: {_why(error)}") from None

        return Opened(begin, status.st_size, read, lambda: os.close(handle))

    def _descend(self, name: str) -> int:
        """Open each folder of the way by itself, so that none of them can be a link."""
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        # The folder that was configured may itself be reached by a link.
        at = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        try:
            *folders, last = name.split("/")
            for folder in folders:
                below = os.open(folder, flags | os.O_DIRECTORY, dir_fd=at)
                os.close(at)
                at = below
            return os.open(last, flags, dir_fd=at)
        finally:
            os.close(at)

    def close(self) -> None:
        """Do nothing: a folder holds nothing open."""


def _why(error: OSError) -> str:
    return (error.strerror or "unknown error").lower()


def open_source(text: str, *, allow_http: bool = False, ca_file: str | None = None) -> Source:
    """Return the source that an address or a path names."""
    if text.startswith("/"):
        return Directory(Path(text))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _refused(text, "is not an address") from None
    if any(not char.isprintable() or char.isspace() for char in text):
        raise _refused(text, "holds characters that no address has")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise _refused(text, "has more than scheme, host and path")
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise _refused(text, "does not name a folder of this host")
        return Directory(Path(unquote(parts.path)))
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise _refused(text, "is neither a folder nor an https:// address")
    if parts.scheme == "http" and not allow_http:
        raise UpdateError(
            Exit.BY_POLICY,
            f"{text} is not protected on its way.",
            "Use https://. On a test network, allow_http = true in /etc/codex/update.toml permits "
            "it: signatures protect the content, but everybody on the way sees what is fetched.",
        )
    # Imported here: a folder needs no TLS.
    from codex_agent.update.http import Http

    return Http(text, allow_http=allow_http, ca_file=ca_file)


def _refused(text: str, clause: str) -> UpdateError:
    # What stands before the host may be a password.
    shown = re.sub(r"//[^/]*@", "//…@", text)
    hint = "A source is https://host/path, file:///path or /path; see /etc/codex/update.toml."
    return UpdateError(Exit.USAGE, f"The source {shown} {clause}.", hint)
