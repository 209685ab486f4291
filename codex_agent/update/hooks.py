# SPDX-License-Identifier: Apache-2.0
"""The operator's commands around a restart: take the host out of service, and bring it back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.config.update import Commands
    from codex_agent.update.program import Runner

TIMEOUT_S = 3600.0  # for one command: jobs may need their time to end


def drain(run: Runner, commands: Commands, say: Callable[[str], None]) -> None:
    """Run the commands before a restart; the first that fails stops it."""
    for command in commands:
        say(f"Running {shlex.join(command)}")
        done = run(command, timeout_s=TIMEOUT_S)
        if done.status != 0:
            raise UpdateError(
                Exit.FAILED,
                f"The host was not restarted: {command[0]} of drain_before failed: {done.last}.",
                "The version is written and starts at the next restart, whoever makes it.",
            )


def restore(run: Runner, commands: Commands, say: Callable[[str], None]) -> list[str]:
    """Run the commands after a restart, all of them; returns what failed."""
    failed: list[str] = []
    for command in commands:
        say(f"Running {shlex.join(command)}")
        done = run(command, timeout_s=TIMEOUT_S)
        if done.status != 0:
            failed.append(f"{command[0]} of drain_after failed: {done.last}")
    return failed
