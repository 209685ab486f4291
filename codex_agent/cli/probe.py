# SPDX-License-Identifier: Apache-2.0
"""``codex probe``: asks the probes that start programs, open devices or wait."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from codex_agent.cli.rows import Rows
from codex_agent.errors import CodexError
from codex_agent.host.root import Root
from codex_agent.probe import answered, ask
from codex_agent.problem import shown

if TYPE_CHECKING:
    import argparse

    from codex_agent.host.probes import Result


def run(arguments: argparse.Namespace) -> int:
    """Ask, print and, for the gate, keep the answers; 1 where one is neither ok nor skipped."""
    if arguments.keep and arguments.name is not None:
        raise CodexError("Only all answers together are kept.", hint="codex probe --keep")
    root = Root()
    if arguments.forget:
        return _forget(root, arguments)
    ask.confine()
    results = ask.everything(root, only=arguments.name)
    if arguments.name is not None and not results:
        raise CodexError(
            f"There is no probe {arguments.name}.", hint="codex probe asks all and names them."
        )
    if arguments.keep:
        ask.keep(root, results)
    if arguments.json:
        print(json.dumps(ask.document(root, results), indent=2), flush=True)
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print(text(results, colour=colour), flush=True)
    return 0 if all(result.state in ("ok", "skipped") for result in results) else 1


def _forget(root: Root, arguments: argparse.Namespace) -> int:
    if arguments.name is not None or arguments.keep or arguments.json:
        raise CodexError("--forget stands alone.", hint="codex probe --forget ADDRESS")
    if os.geteuid() != 0:
        raise CodexError("Only root may say that a GPU was taken out.", hint="Run this as root.")
    for gpu in answered.forget(root, arguments.forget):
        print(f"{gpu.address} ({gpu.id}) is not missed any more, unless it answers again.")
    print("codex probe --keep judges this host anew.", flush=True)
    return 0


def text(results: list[Result], *, colour: bool = False) -> str:
    """Return the results as aligned text."""
    rows = Rows({}, colour=colour)
    width = max((len(result.name) for result in results), default=0)
    for result in results:
        state = rows.state(result.state, 9)
        gates = "" if not result.gates else " (a boot needs it)"
        line = f"{state} {result.name:<{width}} {shown(result.message)}"
        rows.lines.append(f"{line} {result.took_s:.1f} s{gates}")
        if result.hint and result.state not in ("ok", "skipped"):
            rows.lines.append(f"{'':<9} {'':<{width}} hint: {shown(result.hint)}")
    return "\n".join(rows.lines)
