# SPDX-License-Identifier: Apache-2.0
"""``codex status``: the host's verdict, as text, as JSON, or as one line for the health gate."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from codex_agent.cli import asking, render
from codex_agent.config.judgement import judgement
from codex_agent.host.root import Root
from codex_agent.host.snapshot import Sample, take

if TYPE_CHECKING:
    import argparse

    from codex_agent.host.model import HostSnapshot, VerdictState

EXIT: dict[VerdictState, int] = {"healthy": 0, "degraded": 1, "failed": 2, "unknown": 3}


def home() -> str | None:
    """Return the home of a user; root is configured by the host's own layers alone."""
    return os.environ.get("HOME") if os.geteuid() != 0 else None


def collect(root: Root, *, settled: bool = False) -> Sample:
    """Take a snapshot with a verdict that includes whether the service answers."""
    around = judgement(
        root,
        os.environ,
        asking.check(root),
        credentials=os.environ.get("CREDENTIALS_DIRECTORY"),
        home=home(),
        settled=settled,
    )
    return take(root, around)


def run(arguments: argparse.Namespace) -> int:
    """Print the state of the host and return the exit status of its verdict."""
    root = Root()
    if arguments.gate:
        from codex_agent.cli import gate

        host = gate.wait(root, arguments.timeout)
        print(gate.line(host), flush=True)
        return EXIT[host.verdict.state]
    host = show(root)
    if arguments.json:
        import json

        from codex_agent.host.plain import plain

        print(json.dumps(plain(host), indent=2), flush=True)
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print(render.text(host, colour=colour), flush=True)
    return EXIT[host.verdict.state]


def show(root: Root) -> HostSnapshot:
    """Return a fresh snapshot with its ages."""
    return collect(root).shown(root.monotonic())
