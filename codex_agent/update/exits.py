# SPDX-License-Identifier: Apache-2.0
"""The exit statuses of ``codex update``, and the error that carries one of them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from codex_agent.errors import CodexError
from codex_agent.problem import shown

if TYPE_CHECKING:
    from pathlib import Path


class Exit(IntEnum):
    """One number for each kind of end; the names are what the documents call them."""

    DONE = 0
    FAILED = 1  # for a reason that has no number of its own
    OFFERED = 10  # check: a newer version is offered and may be taken
    UNSIGNED = 20  # the checksums are not signed, or not by a key of this host
    OLDER = 21  # older than what is installed or was offered before
    ARCHITECTURE = 22  # made for another processor
    FLAVOUR = 23  # another flavour of the image
    SPACE = 24  # too little space
    NOT_BLESSED = 25  # the running version has not yet been found good
    BAD_VERSION = 26  # this version was tried on this host and did not start well
    MALFORMED = 27  # what was signed does not fit together
    TOO_FAR = 28  # reached only from a newer version than the installed one
    DIFFERENT = 29  # more, fewer or other bytes than were signed
    NOT_WRITTEN = 30  # systemd-sysupdate did not write the version
    NOTHING_TO_ROLL_BACK = 31  # there is no other good version
    NO_IMAGE = 32  # this host was not booted from an image
    BY_POLICY = 33  # the host's own policy forbids it
    USAGE = 64
    UNREACHABLE = 69  # the source does not answer, or stopped
    BUSY = 75  # another update is under way
    DENIED = 77  # only root may do this


class UpdateError(CodexError):
    """A refusal or failure of an update: one sentence, one hint, one exit status of the table."""

    def __init__(self, exit_code: Exit, message: str, hint: str) -> None:
        super().__init__(shown(message), hint=shown(hint), exit_code=int(exit_code))
        self.kind = exit_code


def full(folder: Path) -> UpdateError:
    """Return the error of a disk that has no room left, whatever was to be written."""
    hint = "Make room there and run the command again: what has been fetched is kept."
    return UpdateError(Exit.SPACE, f"{folder} is full.", hint)
