# SPDX-License-Identifier: Apache-2.0
"""``codex token``: shows the token of the API, or replaces it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from codex_agent.cli.restart import restart_agent
from codex_agent.errors import CodexError
from codex_agent.host.root import Root
from codex_agent.provision import files, token
from codex_agent.provision.run import places

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Print the token; after ``rotate`` the old one and all sessions are void."""
    where = places()
    if arguments.action == "show":
        value = token.load(where.token)
        if value is None:
            raise CodexError("This host has no token yet.", hint="codex provision makes one.")
        print(value)
        return 0
    given, _ = token.given(Root(), os.environ.get("CREDENTIALS_DIRECTORY"))
    if given is not None:
        raise CodexError(
            "The token of this host comes from the credential codex.token.",
            hint="Change that credential and restart the host.",
        )
    if not where.agent.is_dir():
        raise CodexError("This host has no token yet.", hint="codex provision makes one.")
    value = token.draw()
    with files.lock(where.state):
        token.store(where.token, value)
    print(value)
    if not restart_agent():
        print("Restart the service so that it takes the new token.", file=sys.stderr)
    return 0
