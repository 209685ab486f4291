# SPDX-License-Identifier: Apache-2.0
"""Room on the disk that is held back for the journal of boots.

A version that fills /var would else leave no word of why it was given up.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = "room"
#: The journal of boots, which is written beside the old one, and what a file system adds to it.
BYTES = 512 * 1024


def hold(folder: Path) -> str | None:
    """Take the room where it is not held yet; returns a sentence where there is none to take."""
    place = folder / NAME
    try:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(handle, 0, BYTES)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        with suppress(OSError):
            place.unlink()  # a part of it is of no use
        why = (error.strerror or "unknown error").lower()
        return f"No room is held back for the journal of boots: {why}."
    return None


def give(folder: Path) -> bool:
    """Give the room back; returns whether there was any."""
    try:
        (folder / NAME).unlink()
    except OSError:
        return False
    return True
