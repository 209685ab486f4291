# SPDX-License-Identifier: Apache-2.0
"""Why a repository, or a question about it, is refused. Every class has one exit status."""

from __future__ import annotations

from codex_agent.errors import CodexError
from codex_agent.problem import shown


class RepoError(CodexError):
    """A failure about a repository. Names in it are safe on a terminal, whatever they hold."""

    status = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(shown(message), hint=shown(hint), exit_code=self.status)


class NotAllowedError(RepoError):
    """It is not in the allow-list, or lies (or borrows from) outside of the roots."""

    status = 3


class UnknownRepositoryError(NotAllowedError):
    """The id is none of the list."""


class UnsupportedError(RepoError):
    """Its format is none that the installed git can read."""

    status = 4


class GoneError(RepoError):
    """It was there, and is not any more or is another one now."""

    status = 5


class DamagedError(RepoError):
    """Its objects cannot be read."""

    status = 6


class TooMuchError(RepoError):
    """The answer needs more time, memory or room than a question may have."""

    status = 7


class CancelledError(RepoError):
    """Whoever asked does not wait for the answer any more."""

    status = 8


class BusyError(RepoError):
    """Another process is reading this history into its store."""

    status = 9


class QuestionError(RepoError):
    """The question is not valid: an unknown object, a bad limit, a cursor of another history."""

    status = 64


class NotFoundError(QuestionError):
    """There is no such commit, object or file."""
