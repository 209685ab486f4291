# SPDX-License-Identifier: Apache-2.0
"""``codex verify``: what makes this host differ from the default of its version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from codex_agent.cli.rows import Rows
from codex_agent.host.plain import plain
from codex_agent.host.root import Root
from codex_agent.problem import shown
from codex_agent.state.model import AREAS
from codex_agent.state.verify import verify

if TYPE_CHECKING:
    import argparse

    from codex_agent.state.model import Answer, Report

EXIT: dict[Answer, int] = {"no difference": 0, "differs": 1, "unknown": 3}


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, and answer by the exit status."""
    found = verify(Root())
    print(json.dumps(plain(found), indent=2) if arguments.json else text(found), flush=True)
    return EXIT[found.answer]


def text(found: Report) -> str:
    """Return the report as people read it."""
    rows = Rows({"version": "this host was not booted from an image of Codex OS"})
    count = len(found.differences)
    noun = "1 difference" if count == 1 else f"{count} differences"
    said = f"{found.answer}, {noun}" if count else found.answer
    rows.add("Answer", f"{said} ({found.compared} things were looked at)")
    rows.more("Version", "version", found.version)
    for area, title in AREAS.items():
        here = [difference for difference in found.differences if difference.area == area]
        if here:
            rows.lines += ["", f"{title}:"]
        for difference in here:
            ends = "" if difference.lasts else " (until the next start)"
            rows.lines.append(f"  {difference.place}: {difference.message}{ends}")
            rows.lines += [
                shown(f"      {setting.name}  {setting.default} → {setting.value}")
                for setting in difference.settings
            ]
    if found.unread:
        rows.lines += ["", "Could not be looked at:"]
        rows.lines += [f"  {entry.place}: {entry.reason}" for entry in found.unread]
    if found.declared:
        rows.lines += ["", "Not promised by this delivery:"]
        rows.lines += [f"  {entry.what}: {entry.message}" for entry in found.declared]
    return "\n".join(rows.lines)
