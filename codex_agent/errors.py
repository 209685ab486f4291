# SPDX-License-Identifier: Apache-2.0
"""The one error type that a person may get to see."""

from __future__ import annotations


class CodexError(Exception):
    """A failure that its reader can act on: one sentence, one hint, one exit status.

    Everything that is not a ``CodexError`` is a defect of ours and is shown as such.
    """

    def __init__(self, message: str, *, hint: str | None = None, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code
