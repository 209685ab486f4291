# SPDX-License-Identifier: Apache-2.0
"""``codex factory-reset``: says what is lost, asks, and has the next start erase it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from codex_agent.cli.rows import Rows, size
from codex_agent.errors import CodexError
from codex_agent.host.plain import plain
from codex_agent.host.reading import Unreadable
from codex_agent.host.root import Root
from codex_agent.state import contents, reset

if TYPE_CHECKING:
    import argparse

WORD = "RESET"
EXIT_USAGE = 64
EXIT_DECLINED = 1
_TIMEOUT_S = 60


def run(arguments: argparse.Namespace) -> int:
    """Show, ask, ask the firmware, and restart if that was said."""
    return execute(arguments, Root())


def execute(arguments: argparse.Namespace, root: Root) -> int:
    """Do it on a host."""
    if arguments.cancel:
        # Possible whenever a request could be there: also while an update is under way, which may
        # restart this host by itself.
        reset.permitted(root)
        there = reset.cancel(root)
        text = "The request is taken back." if there else "There was no request to take back."
        _out(arguments, {"asked_for": False, "cancelled": there}, text)
        return 0
    uuid = reset.possible(root)
    before = _requested(root)
    lost = contents.parts(root)
    facts = {"partition": uuid, "erased": plain(lost), "stays": list(contents.STAYS),
             "limit": contents.LIMIT}  # fmt: skip
    if arguments.dry_run:
        facts |= {"asked_for": before == uuid, "restarting": False}
        _out(arguments, facts, table(uuid, lost, asked=before == uuid))
        return 0
    if not arguments.yes:
        if arguments.json or not sys.stdin.isatty():
            raise CodexError(
                "Nobody can be asked here whether this host shall forget its state.",
                hint="codex factory-reset --dry-run shows what is lost, --yes does not ask.",
                exit_code=EXIT_USAGE,
            )
        print(table(uuid, lost, asked=before == uuid), flush=True)
        if not _asked():
            print("Nothing was changed.")
            return EXIT_DECLINED
    reset.arm(root, uuid)
    text = "This host forgets its state at its next start."
    if not arguments.restart:
        text += "\ncodex factory-reset --cancel takes that back until then."
    _out(arguments, facts | {"asked_for": True, "restarting": arguments.restart}, text)
    if arguments.restart:
        _restart()
    return 0


def table(uuid: str, lost: list[contents.Part], *, asked: bool) -> str:
    """Return what a reset of this host means."""
    rows = Rows({"size": "not all of it may be read"})
    rows.lines.append(f"A factory reset erases all of {contents.STATE} (partition {uuid}):")
    for part in lost:
        paths = ", ".join(part.paths)
        figure = rows.value("size", part.size_bytes, size)
        rows.lines += [f"  {part.what}: {paths} ({figure})", f"      {part.means}"]
    rows.lines += ["", "What stays:", *(f"  {line}" for line in contents.STAYS)]
    rows.lines += ["", contents.LIMIT]
    if asked:
        rows.lines += ["", "It was asked for already and happens at the next start."]
    return "\n".join(rows.lines)


def _requested(root: Root) -> str | None:
    try:
        return reset.requested(root)
    except Unreadable:
        return None  # a request that names nothing; it is written anew


def _asked() -> bool:
    print(f"\nType {WORD} and press Enter to erase it at the next start; anything else keeps it.")
    print("> ", end="", flush=True)
    return sys.stdin.readline().strip() == WORD


def _out(arguments: argparse.Namespace, facts: dict[str, Any], text: str) -> None:
    print(json.dumps(facts, indent=2) if arguments.json else text, flush=True)


def _restart() -> None:
    command = ["systemctl", "--no-block", "reboot"]
    hint = "The request stands: it happens whenever this host starts next. " + " ".join(command)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CodexError(f"The host could not be restarted: {error}.", hint=hint) from None
    if done.returncode != 0:
        why = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise CodexError(f"The host could not be restarted: {why[0]}.", hint=hint)
