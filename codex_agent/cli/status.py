# SPDX-License-Identifier: Apache-2.0
"""``codex status``: the host's verdict, as text, as JSON, or as one line for the health gate."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from codex_agent.cli import gate, render
from codex_agent.cli.collect import collect
from codex_agent.host import boots
from codex_agent.host.root import Root
from codex_agent.probe import record
from codex_agent.problem import shown

if TYPE_CHECKING:
    import argparse

    from codex_agent.host.model import HostSnapshot, VerdictState

EXIT: dict[VerdictState, int] = {"healthy": 0, "degraded": 1, "failed": 2, "unknown": 3}


def run(arguments: argparse.Namespace) -> int:
    """Print the state of the host and return the exit status of its verdict."""
    root = Root()
    if arguments.gate:
        begun = record.begin(root)
        if arguments.gave_up is None:
            host = gate.wait(root, arguments.timeout)
        else:
            host = gate.given_up(show(root), shown(arguments.gave_up))
        if boots.entry(root).tries_left is not None:
            host = gate.on_trial(host)
        # Kept before it is said: whoever reads it may restart the host at once.
        wrong = record.finish(root, host)
        counted = record.stop_counting(root) if arguments.gave_up is None else None
        print(gate.line(host), *gate.reasons(host), sep="\n", flush=True)
        for problem in dict.fromkeys(filter(None, (begun, wrong, counted))):
            print(f"codex: {problem}", file=sys.stderr)
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
