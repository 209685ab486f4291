# SPDX-License-Identifier: Apache-2.0
"""The one door for errors: a sentence, a hint, an exit code."""


class BuildError(Exception):
    """Something the person at the keyboard can act on.

    ``message`` is one sentence that says what is wrong, ``hint`` one that says what to do, ``code``
    the exit status.
    """

    def __init__(self, message: str, *, hint: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
