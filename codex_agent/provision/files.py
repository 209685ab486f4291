# SPDX-License-Identifier: Apache-2.0
"""Files that hold secrets: written whole or not at all, and refused with a wrong mode."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from codex_agent.errors import CodexError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET_DIRECTORY = 0o700
SECRET_FILE = 0o600
PUBLIC_DIRECTORY = 0o755
PUBLIC_FILE = 0o644

_UNFINISHED = ".codex-"  # begins the name of a file that is not yet in its place
_LIMIT = 64 * 1024  # bytes; certificates, keys and tokens are far shorter
_LOCK_WAIT_S = 60.0


class NoRoomError(CodexError):
    """There was no room for what had to be written."""


def directory(path: Path, mode: int) -> None:
    """Make a directory of this mode, or check the one that is there."""
    try:
        path.mkdir(mode=mode, parents=True)
        # The process's umask may have taken bits away.
        path.chmod(mode)
        sync_directory(path.parent)
    except FileExistsError:
        pass
    except OSError as error:
        raise _failure(f"{path} cannot be made", error) from None
    check(path, mode, is_directory=True)


def check(path: Path, mode: int, *, is_directory: bool = False) -> None:
    """Refuse what is of another kind, owned by someone else, or open to more than ``mode``."""
    try:
        status = path.lstat()
    except OSError as error:
        raise _failure(f"{path} cannot be examined", error) from None
    _judge(path, status, mode, is_directory=is_directory)


def _judge(path: Path, status: os.stat_result, mode: int, *, is_directory: bool) -> None:
    kind = stat.S_ISDIR if is_directory else stat.S_ISREG
    if not kind(status.st_mode):
        noun = "directory" if is_directory else "regular file"
        raise CodexError(f"{path} is not a {noun}.", hint=f"Remove {path}; it will be made anew.")
    if status.st_uid != os.geteuid():
        hint = f"chown {os.geteuid()} {path}"
        raise CodexError(f"{path} belongs to user {status.st_uid}.", hint=hint)
    actual = stat.S_IMODE(status.st_mode)
    if actual & ~mode:
        text = f"{path} has mode {actual:04o}, which is more than {mode:04o}."
        hint = f"chmod {mode:04o} {path}; if others could read a secret in it, remove it instead."
        raise CodexError(text, hint=hint)


def read(path: Path, mode: int) -> bytes | None:
    """Return the content of a checked file, or None where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failure(f"{path} cannot be read", error) from None
    try:
        _judge(path, os.fstat(handle), mode, is_directory=False)
        content = b""
        while len(content) <= _LIMIT and (part := os.read(handle, _LIMIT)):
            content += part
    finally:
        os.close(handle)
    if len(content) > _LIMIT:
        raise CodexError(f"{path} is longer than {_LIMIT} bytes.", hint=f"Remove {path}.")
    return content


def write(path: Path, content: bytes, mode: int) -> None:
    """Put a file in its place in one step; at any interruption the old one or the new one is there.

    The content is on the disk before the name is, and the name before this returns.
    """
    unfinished = path.parent / f"{_UNFINISHED}{path.name}.{os.getpid()}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(unfinished, flags, SECRET_FILE)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fchmod(stream.fileno(), mode)
                os.fsync(stream.fileno())
            unfinished.rename(path)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise _failure(f"{path} cannot be written", error) from None


def sync_directory(path: Path) -> None:
    """Bring the names in a directory to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_unfinished(folder: Path) -> None:
    """Remove what an interrupted run has left; only to be called under the lock."""
    for entry in folder.iterdir():
        if entry.name.startswith(_UNFINISHED):
            entry.unlink()


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep all others out of ``folder`` that ask for the same lock."""
    path = folder / ".lock"
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(path, flags, SECRET_FILE)
    except OSError as error:
        raise _failure(f"{path} cannot be opened", error) from None
    try:
        deadline = time.monotonic() + _LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    text = f"Another process holds {path} for more than {_LOCK_WAIT_S:.0f} s."
                    raise CodexError(text, hint="lslocks shows who.") from None
                time.sleep(0.1)
        yield
    finally:
        os.close(handle)


def _failure(what: str, error: OSError) -> CodexError:
    reason = (error.strerror or "unknown error").lower()
    hint = None
    if isinstance(error, PermissionError):
        hint = "Run this as root."
    kind = NoRoomError if error.errno in (errno.ENOSPC, errno.EDQUOT) else CodexError
    return kind(f"{what}: {reason}.", hint=hint)
