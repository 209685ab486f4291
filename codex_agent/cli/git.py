# SPDX-License-Identifier: Apache-2.0
"""``codex git``: the history of a repository on the terminal and as a file."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_agent.cli.repos import chosen, entries, roots
from codex_agent.errors import CodexError
from codex_agent.problem import shown
from codex_agent.provision import files
from codex_agent.repos.allow import id_of
from codex_agent.repos.branches import nodes
from codex_agent.repos.commits import pages
from codex_agent.repos.export import as_csv, as_gltf, as_json
from codex_agent.repos.history import History
from codex_agent.repos.limits import page
from codex_agent.repos.metrics.churn import churn
from codex_agent.repos.metrics.files import sizes
from codex_agent.repos.people import text
from codex_agent.repos.scene import Commit3D, Scene, moment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

#: Commits of a file; more of them are asked for by --limit.
_STEP = 10_000


def cache() -> Path:
    """Return where histories are kept for whoever calls; the service has a place of its own."""
    if os.geteuid() == 0:
        return Path("/var/cache/codex/repos")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "codex" / "repos"


@contextmanager
def opened(word: str) -> Iterator[History]:
    """Open what is named by an id, a name of the list, or a path, and bring it up to date.

    A path needs no root: who may read it here, may. Roots are for those who ask over the network.
    """
    entry = chosen(entries(), word)
    if entry is not None:
        path, inside = Path(entry.path), roots()
    else:
        path, inside = Path(word).absolute(), [Path("/")]
    folder = cache()
    files.directory(folder, files.SECRET_DIRECTORY)
    history = History(path, inside, folder / id_of(path))
    try:
        history.update()
        yield history
    finally:
        history.close()


def run(arguments: argparse.Namespace) -> int:
    """Show or export."""
    with opened(arguments.repo) as history:
        if arguments.action == "heatmap":
            return _heatmap(history, arguments)
        scene = Scene(history)
        if arguments.action == "commits":
            return _commits(commits(history, scene, arguments.limit), arguments)
        if arguments.action == "branches":
            return _branches(history, scene, arguments)
        return _export(history, scene, arguments)


def commits(history: History, scene: Scene, limit: int | None) -> list[Commit3D]:
    """Return the newest ``limit`` commits, or all of them."""
    found: list[Commit3D] = []
    cursor: str | None = None
    while True:
        wanted = _STEP if limit is None else min(_STEP, limit - len(found))
        got = pages(history, wanted, cursor, scene.people)
        found += [scene.commit(commit) for commit in got.commits]
        cursor = got.next
        if cursor is None or (limit is not None and len(found) >= limit):
            return found


def _table(rows: list[tuple[str, ...]]) -> None:
    """Print rows; names and messages are safe on a terminal, whatever they hold."""
    safe = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    for row in safe:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _json(rows: list[Any]) -> int:
    print(json.dumps(rows, indent=2))
    return 0


def _commits(rows: list[Commit3D], arguments: argparse.Namespace) -> int:
    if arguments.json:
        return _json([asdict(row) for row in rows])
    if not rows:
        print("There are no commits.")
        return 0
    _table([
        (row.sha[:12], row.timestamp or "unavailable", row.branch or "unavailable",
         row.author[:30], row.message[:100])
        for row in rows
    ])  # fmt: skip
    return 0


def _heatmap(history: History, arguments: argparse.Namespace) -> int:
    history.read_files()
    if arguments.lines:
        history.read_lines()
    tip = history.refs().table.get("HEAD")
    there = sizes(history.cache, tip.commit) if tip is not None and tip.commit else {}
    people = history.people()
    stats, over = churn(history, people, arguments.limit, there)
    rows = [
        {
            "path": text(row.path), "change_count": row.changes, "additions": row.added,
            "deletions": row.deleted, "last_modified": moment(row.last),
            "authors": sorted(people.persons[who].name for who in row.authors),
            "heat_level": row.heat, "size": row.size,
        }
        for row in stats[: page(arguments.files)]
    ]  # fmt: skip
    if arguments.json:
        return _json(rows)
    if not rows:
        print("No files were changed.")
        return 0

    def figure(value: object) -> str:
        return "unavailable" if value is None else str(value)

    head = ("changes", "added", "deleted", "bytes", "path")
    keys = ("change_count", "additions", "deletions", "size", "path")
    _table([head, *(tuple(figure(row[key]) for key in keys) for row in rows)])
    if over.lines_reason is not None:
        hint = "" if arguments.lines else " --lines counts them."
        print(f"codex: {over.lines_reason}{hint}", file=sys.stderr)
    return 0


def _branches(history: History, scene: Scene, arguments: argparse.Namespace) -> int:
    found = nodes(history, scene)
    if arguments.json:
        return _json([asdict(node) for node in found])
    if not found:
        print("There are no branches.")
        return 0
    _table([
        ("branch", "head", "last commit", "merges", "state"),
        *((node.name, node.head_sha[:12], node.last_commit or "unavailable",
           str(node.merge_count), "active" if node.is_active else "quiet") for node in found),
    ])  # fmt: skip
    return 0


def _export(history: History, scene: Scene, arguments: argparse.Namespace) -> int:
    rows = commits(history, scene, arguments.limit)
    if arguments.format == "csv":
        content = as_csv(rows)
    elif arguments.format == "gltf":
        content = as_gltf(rows)
    else:
        content = as_json(rows, nodes(history, scene))
    target = Path(arguments.output)
    if target.exists() and not arguments.force:
        raise CodexError(f"{target} is there already.", hint="Add --force to replace it.")
    files.write(target, content.encode("utf-8", "replace"), files.PUBLIC_FILE)
    print(f"{target}: {len(rows)} commits")
    return 0
