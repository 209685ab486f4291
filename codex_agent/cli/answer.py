# SPDX-License-Identifier: Apache-2.0
"""``codex update answer``: one request that came by the socket of codex-update-request@.service."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

from codex_agent.cli.progress import Progress
from codex_agent.cli.update import telling, text_of_outcome
from codex_agent.update import asked
from codex_agent.update.check import Found
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.telling import Teller

if TYPE_CHECKING:
    from codex_agent.config.update import Loaded
    from codex_agent.update.system import System


def answer(system: System, loaded: Loaded, handle: int = 0) -> int:
    """Take the connection that systemd has accepted, answer, hang up, and do what was asked."""
    with taken(handle) as connection:
        try:
            request = asked.receive(connection)
        except UpdateError as error:
            asked.reply(connection, asked.refusal(error))
            raise
        progress = Progress(sys.stderr)
        with Teller(system, loaded, request.action, "page", progress.say) as teller:
            updater = telling(system, loaded.policy, progress, teller)
            result = asked.answer(updater, loaded, connection, request)
            if isinstance(result, Found):
                teller.looked(result)
            else:
                teller.done(result)
    if not isinstance(result, Found):
        print(text_of_outcome(result), flush=True)
    return int(Exit.DONE)


def taken(handle: int) -> socket.socket:
    """Return the connection, and leave nothing of it on standard input for others to inherit."""
    try:
        connection = socket.socket(fileno=os.dup(handle))
    except OSError:
        text = "There is no connection on standard input."
        hint = "codex-update-request@.service has one; by hand, use codex update check or apply."
        raise UpdateError(Exit.USAGE, text, hint) from None
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, handle, inheritable=handle == 0)
    os.close(nothing)
    return connection
