# SPDX-License-Identifier: Apache-2.0
"""The two ways in which a kernel service says no."""

from __future__ import annotations

import errno as numbers
import os

from codex_agent.errors import CodexError
from codex_agent.problem import shown


class Unavailable(CodexError):  # noqa: N818 - a state, not a fault
    """Something that is not there or cannot be trusted; ``reason`` is a clause for a person."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(shown(reason), hint=hint)

    @property
    def reason(self) -> str:
        """Return why it is not available."""
        return self.message


class Refused(CodexError):  # noqa: N818 - an answer, not a fault
    """A request that was understood and not done; nothing of it happened.

    ``errno`` is the kernel's number, or the one that the kernel would give.
    """

    def __init__(self, what: str, errno: int, hint: str | None = None) -> None:
        super().__init__(f"{what}: {os.strerror(errno)}", hint=hint)
        self.errno = errno

    @property
    def name(self) -> str:
        """Return the number's name, such as ``ENOMEM``."""
        return numbers.errorcode.get(self.errno, str(self.errno))
