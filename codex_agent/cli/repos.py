# SPDX-License-Identifier: Apache-2.0
"""``codex repos``: which repositories this host shows."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.cli.collect import home
from codex_agent.config.load import load
from codex_agent.errors import CodexError
from codex_agent.host.reading import Unreadable
from codex_agent.host.root import Root
from codex_agent.problem import shown
from codex_agent.repos import allow
from codex_agent.repos.allow import AllowList, Entry
from codex_agent.repos.errors import NotAllowedError

if TYPE_CHECKING:
    import argparse

_LIMIT = 64 * 1024  # bytes


def roots() -> list[Path]:
    """Return the roots of the configuration; what is wrong with it is told on standard error."""
    loaded = load(
        Root(), os.environ, credentials=os.environ.get("CREDENTIALS_DIRECTORY"), home=home()
    )
    for problem in loaded.problems:
        print(f"codex: {problem.message}\nhint: {problem.hint}", file=sys.stderr)
    return [Path(path) for path in loaded.config.repos.roots]


def entries(root: Root | None = None) -> list[Entry]:
    """Return the list of this host, which everybody may read."""
    path = f"{allow.FOLDER}/{allow.NAME}"
    try:
        content = (root or Root()).data(path, _LIMIT)
    except Unreadable as error:
        if error.absent:
            return []
        raise CodexError(f"{error.reason}.", hint=f"ls -l {path}") from None
    return allow.parsed(Path(path), content)


def chosen(listed: list[Entry], word: str) -> Entry | None:
    """Return the entry of an id or a name."""
    return next((entry for entry in listed if word in (entry.id, entry.name)), None)


def run(arguments: argparse.Namespace) -> int:
    """Add, list or remove."""
    if arguments.action == "list":
        listed = entries()
        if arguments.json:
            print(json.dumps([asdict(entry) for entry in listed], indent=2))
        elif listed:
            print("\n".join(f"{e.id}  {e.name}  {shown(e.path)}" for e in listed))
        else:
            print("No repository is shown.")
        return 0
    inside = roots()
    if arguments.action == "add" and not inside:
        raise NotAllowedError(
            "This host has no roots for repositories.",
            'Set roots = ["/srv/git"] under [repos] in /etc/codex/agent.toml.',
        )
    allowed = AllowList(Path(allow.FOLDER), inside, public=True)
    if arguments.action == "add":
        entry = allowed.add(Path(arguments.path), arguments.name)
        print(f"{entry.id}  {entry.name}  {shown(entry.path)}")
        return 0
    found = chosen(allowed.entries(), arguments.repo)
    removed = allowed.remove(found.id if found is not None else arguments.repo)
    print(f"{removed.name} is not shown any more.")
    return 0
