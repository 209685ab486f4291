# SPDX-License-Identifier: Apache-2.0
"""``codex serve``: the service, from systemd or by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.api.run import run as run_service

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    run_service(arguments.listen, arguments.credentials)
    return 0
