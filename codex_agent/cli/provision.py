# SPDX-License-Identifier: Apache-2.0
"""``codex provision``: makes authority, certificate and token, and says what it made."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from codex_agent.cli.restart import restart_agent
from codex_agent.host.root import Root
from codex_agent.provision.run import places, provision

if TYPE_CHECKING:
    import argparse

EXIT_PROBLEMS = 1


def run(arguments: argparse.Namespace) -> int:
    """Make what is missing or stale; a given token that is not valid ends in a failure."""
    where = places(arguments.root)
    report = provision(where, Root(), os.environ.get("CREDENTIALS_DIRECTORY"))
    for change in report.changes:
        print(f"{where.state}: {change}")
    if not report.changes:
        print(f"{where.state}: all is there and valid")
    if report.changes and arguments.root == "/":
        restart_agent()
    for problem in report.problems:
        print(f"codex: {problem.message}\nhint: {problem.hint}", file=sys.stderr)
    return EXIT_PROBLEMS if report.problems else 0
