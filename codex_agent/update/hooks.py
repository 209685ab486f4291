# SPDX-License-Identifier: Apache-2.0
"""The operator's commands around a restart: take the host out of service, and bring it back.

Their words, and what they say, may hold a token of whoever drains the host. Everybody is told which
program runs and how it ended; its last words are for the journal alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_agent.config.update import Commands
    from codex_agent.update.flow import Updater

TIMEOUT_S = 3600.0  # for one command: jobs may need their time to end


def drain(updater: Updater, commands: Commands) -> None:
    """Run the commands before a restart; the first that fails stops it."""
    for command in commands:
        why = _failed(updater, command)
        if why is not None:
            raise UpdateError(
                Exit.FAILED,
                f"The host was not restarted: {command[0]} of drain_before failed: {why}.",
                "The version is written and starts at the next restart, whoever makes it.",
            )


def restore(updater: Updater, commands: Commands) -> list[str]:
    """Run the commands after a restart, all of them; returns what failed."""
    failed: list[str] = []
    for command in commands:
        why = _failed(updater, command)
        if why is not None:
            failed.append(f"{command[0]} of drain_after failed: {why}")
    return failed


def _failed(updater: Updater, command: Sequence[str]) -> str | None:
    """Run a command; returns how it ended where that is not well."""
    updater.say(f"Running {command[0]}")
    done = updater.system.run(command, timeout_s=TIMEOUT_S)
    if done.status == 0:
        return None
    ended = done.reason or f"it ended with status {done.status}"
    if done.last != ended:
        updater.confide(f"The last words of {command[0]}: {done.last}.")
    return ended
