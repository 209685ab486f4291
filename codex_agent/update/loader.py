# SPDX-License-Identifier: Apache-2.0
"""The boot loader on the ESP: as new as that of the newest version found good, and whole.

The loader is not part of a slot: nothing that installs a version replaces it. Each image has it in
its sealed root, signed by the keys of its build. The other version and the firmware's own last
option are untouched by what happens here.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable
from codex_agent.provision.files import sync_directory
from codex_agent.update import versions
from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from codex_agent.host.root import Root
    from codex_agent.update.system import System

SOURCE = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi.signed"
# The first is what firmware starts without any option of its own.
PLACES = ("/efi/EFI/BOOT/BOOTX64.EFI", "/efi/EFI/systemd/systemd-bootx64.efi")
_LIMIT = 4 * 1024 * 1024  # bytes; the loader has about 130 kB
_NAME = re.compile(rb"#### LoaderInfo: systemd-boot ([!-~]{1,64}) ####")
_HINT = "systemd-boot of this image can be laid there by hand: bootctl update."


def renew(system: System, *, newest: bool) -> list[str]:
    """Lay the loader of the running version on the ESP where it has to be; return what was done.

    ``newest``: the running version is the newest that was found good here. Only that one replaces a
    loader that is older or signed otherwise; a damaged one is replaced by any.
    """
    root = system.root
    ours = _read(root, SOURCE)
    if ours is None or (version := name(ours)) is None:
        raise _failed("this image has no loader of its own")
    done: list[str] = []
    for place in PLACES:
        there = _read(root, place)
        if there == ours:
            continue
        why = _why(there, ours, newest=newest)
        if why is None:
            continue
        _write(system, place, ours)
        done.append(f"The boot loader {place} {why}: it is systemd-boot {version} now.")
    return done


def damaged(root: Root) -> bool:
    """Say whether what the firmware starts is not the loader that it says it is.

    Only a loader of the same version as that of the running image can be judged.
    """
    try:
        ours, there = _read(root, SOURCE), _read(root, PLACES[0])
    except UpdateError:
        return False
    return ours is not None and there is not None and _is_damaged(there, ours)


def name(content: bytes) -> str | None:
    """Return the version that a loader says it has, by the mark that ``bootctl`` reads as well."""
    found = _NAME.search(content)
    return found[1].decode("ascii") if found else None


def digest(content: bytes) -> bytes | None:
    """Return the SHA-256 of a PE file without its signature, None for what is no PE file.

    The parts that are left out are those of Microsoft's "Windows Authenticode Portable Executable
    Signature Format": the checksum, the entry of the table of certificates, and that table.
    """
    try:
        start = struct.unpack_from("<I", content, 0x3C)[0]
        if content[:2] != b"MZ" or content[start : start + 4] != b"PE\0\0":
            return None
        optional = start + 24
        # PE32+ has its directories 16 bytes further than PE32; the fifth is that of certificates.
        wide = {0x10B: 96, 0x20B: 112}[struct.unpack_from("<H", content, optional)[0]]
        entry = optional + wide + 4 * 8
        at, size = struct.unpack_from("<II", content, entry)
    except (struct.error, KeyError):
        return None
    end = at or len(content)
    if not entry + 8 <= end <= len(content) or (at and at + size > len(content)):
        return None
    found = hashlib.sha256(content[: optional + 64])
    found.update(content[optional + 68 : entry])
    found.update(content[entry + 8 : end])
    return found.digest()


def _why(there: bytes | None, ours: bytes, *, newest: bool) -> str | None:
    if there is None:
        return "was not there"
    theirs, mine = name(there), name(ours)
    if theirs is None or mine is None:
        # Whoever has put another loader there has a reason.
        return None
    if _is_damaged(there, ours):
        return "was damaged"
    if not newest:
        return None
    order = versions.compare(theirs, mine)
    if order < 0:
        return f"was systemd-boot {theirs}"
    return "was signed by another build" if order == 0 else None


def _is_damaged(there: bytes, ours: bytes) -> bool:
    return name(there) is not None and name(there) == name(ours) and digest(there) != digest(ours)


def _read(root: Root, path: str) -> bytes | None:
    try:
        return root.data(path, _LIMIT)
    except Unreadable as error:
        if error.absent:
            return None
        raise _failed(f"{path} cannot be read: {error.reason}") from None


def _write(system: System, place: str, content: bytes) -> None:
    """Write beside it, then take its name: at a power cut one of the two is there, whole."""
    path = system.path(place)
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
        sync_directory(path.parent)
        if path.read_bytes() != content:
            raise _failed(f"{place} is not what was written")
    except OSError as error:
        new.unlink(missing_ok=True)
        reason = (error.strerror or "unknown error").lower()
        raise _failed(f"{place} cannot be written: {reason}") from None


def _failed(why: str) -> UpdateError:
    return UpdateError(Exit.FAILED, f"The boot loader was not looked after: {why}.", _HINT)
