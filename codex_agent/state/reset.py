# SPDX-License-Identifier: Apache-2.0
"""The request to erase the state at the next start: a variable of the firmware.

It names the partition of /var by its UUID. The initrd erases that one and no other, so a request
that the firmware would not let go of, or a disk that was exchanged, can erase nothing again
(images/initrd/tree/usr/lib/codex/make-state).
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.errors import CodexError
from codex_agent.host import mounts, udev
from codex_agent.host.reading import Unreadable
from codex_agent.host.release import delivery, os_release
from codex_agent.update import lock
from codex_agent.update.system import STATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.host.root import Root

EFIVARS = "/sys/firmware/efi/efivars"
VARIABLE = f"{EFIVARS}/CodexFactoryReset-ec4a643e-7d37-4bd2-8c11-dbf83c8007a2"
# Non-volatile, for the boot loader and for the system.
ATTRIBUTES = struct.pack("<I", 7)
VAR_TYPE = "4d21b016-b534-45c2-a9fb-5c16e091fd2d"
LABEL = "codex-var"
_UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_GET_FLAGS, _SET_FLAGS, _IMMUTABLE = 0x80086601, 0x40086602, 0x10  # linux/fs.h

EXIT_NO_IMAGE = 32  # as for updates
EXIT_UNAVAILABLE = 69
EXIT_BUSY = 75
EXIT_DENIED = 77


def requested(root: Root) -> str | None:
    """Return the UUID that a request names, None where there is none, or raise ``Unreadable``."""
    try:
        content = root.data(VARIABLE, 4096)
    except Unreadable as error:
        if error.absent:
            return None
        raise
    if not _UUID.fullmatch(content[4:]):
        raise Unreadable("the request in the firmware names no partition")
    return content[4:].decode()


def partition(root: Root) -> str:
    """Return the UUID of the partition that is mounted at /var, or raise ``Unreadable``."""
    table = mounts.host_table(root)
    if table.value is None:
        raise Unreadable(table.reason or "the table of mounts cannot be read")
    mount = mounts.holding(table.value, "/var")
    if mount is None or mount.point != "/var":
        raise Unreadable("/var is no file system of its own")
    known = udev.properties(root, mount.device)
    uuid = udev.partition(root, mount.device).uuid
    if (
        known.get("ID_PART_ENTRY_TYPE", "").lower() != VAR_TYPE
        or known.get("ID_PART_ENTRY_NAME") != LABEL
        or not _UUID.fullmatch(uuid.encode())
    ):
        raise Unreadable(f"/var is not on a partition {LABEL} of the type for it")
    return uuid


def possible(root: Root, euid: Callable[[], int] = os.geteuid) -> str:
    """Return what would be erased, or refuse with the reason."""
    kind = delivery(os_release(root)).value
    if kind != "image":
        raise CodexError(
            "This host was not booted from an image of Codex OS: its state is all of its disk.",
            hint="Install it again, or change what `codex verify` lists.",
            exit_code=EXIT_NO_IMAGE,
        )
    permitted(root, euid)
    if lock.held(_path(root, STATE)):
        raise CodexError(
            "An update is under way on this host.",
            hint="codex update status shows how far it is.",
            exit_code=EXIT_BUSY,
        )
    try:
        return partition(root)
    except Unreadable as error:
        raise CodexError(
            f"What would be erased is not certain: {error.reason}.", hint="lsblk -o +PARTLABEL"
        ) from None


def permitted(root: Root, euid: Callable[[], int] = os.geteuid) -> None:
    """Refuse who may not change a request, and firmware that keeps none."""
    if euid() != 0:
        raise CodexError(
            "Only root may reset this host.", hint="sudo codex factory-reset", exit_code=EXIT_DENIED
        )
    if not root.exists(EFIVARS) or not _names(root):
        raise CodexError(
            "The firmware of this machine keeps no variables, so it cannot be asked for a reset.",
            hint="Without EFI variables, `wipefs` of the partition codex-var from another system.",
            exit_code=EXIT_UNAVAILABLE,
        )


def _names(root: Root) -> list[str]:
    try:
        return root.names(EFIVARS)
    except Unreadable:
        return []


def _path(root: Root, path: str) -> Path:
    return Path(root.at(path))


def arm(root: Root, uuid: str) -> None:
    """Leave the request, and look whether the firmware has kept it."""
    place = root.at(VARIABLE)
    try:
        _open_to_change(place)
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # In one piece: the firmware takes a variable as a whole.
            os.write(handle, ATTRIBUTES + uuid.encode())
        finally:
            os.close(handle)
    except OSError as error:
        raise _not_kept((error.strerror or "unknown error").lower()) from None
    if _read_back(root) != uuid:
        # Half a request erases nothing, and is not left behind.
        with suppress(CodexError):
            cancel(root)
        raise _not_kept("it gives back something else")


def cancel(root: Root) -> bool:
    """Take the request back; say whether there was one."""
    place = root.at(VARIABLE)
    if not os.path.lexists(place):
        return False
    try:
        _open_to_change(place)
        Path(place).unlink()
    except OSError as error:
        why = (error.strerror or "unknown error").lower()
        raise CodexError(
            f"The firmware does not let go of the request: {why}.",
            hint="Until it does, the next start erases the state. Keep the host running.",
        ) from None
    if os.path.lexists(place):
        raise CodexError(
            "The firmware does not let go of the request.",
            hint="Until it does, the next start erases the state. Keep the host running.",
        )
    return True


def _read_back(root: Root) -> str | None:
    try:
        return requested(root)
    except Unreadable:
        return None


def _not_kept(why: str) -> CodexError:
    text = f"The firmware did not keep the request, so nothing will be erased: {why}."
    return CodexError(text, hint="ls -l /sys/firmware/efi/efivars", exit_code=EXIT_UNAVAILABLE)


def _open_to_change(place: str) -> None:
    """Take off the mark by which the kernel guards variables against a careless rm."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        # A file system that is not of variables has no such mark.
        with suppress(OSError):
            (flags,) = struct.unpack("l", fcntl.ioctl(handle, _GET_FLAGS, struct.pack("l", 0)))
            if flags & _IMMUTABLE:
                fcntl.ioctl(handle, _SET_FLAGS, struct.pack("l", flags & ~_IMMUTABLE))
    finally:
        os.close(handle)
