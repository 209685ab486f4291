# SPDX-License-Identifier: Apache-2.0
"""Changes of files for a page, as columns: which files each commit changed, and by how much."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from codex_agent.repos.columns import pack, raw
from codex_agent.repos.metrics.facts import basis
from codex_agent.repos.people import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codex_agent.repos.blocks import Files
    from codex_agent.repos.history import History
    from codex_agent.repos.store import Table

_NAMES = ("state", "count", "path", "status")
_LINES = ("old", "added", "deleted", "kind")


def stream(history: History, more: Mapping[str, object]) -> Iterator[bytes]:
    """Yield one run of columns (``columns.py``) a block, each after its length (u32), newest first.

    ``about`` and ``paths`` (JSON) come with the first; ``run`` (JSON) says ``first`` and ``count``.
    ``state`` (u8) and ``count`` (u32) have an entry a commit, the others one a file: ``path``, u32,
    ``status``, u8; where lines are counted ``old``, ``added``, ``deleted``, u32, and ``kind``, u8.
    """
    over = basis(history, 0)
    table: Table = "lines" if over.lines else "files"
    spans = history.store.spans(table)
    # After the spans: every path that they name is there.
    paths = [text(path) for path in history.store.paths()]
    about = {**more, "lines": over.lines, "reason": over.lines_reason, "paths": len(paths)}
    head = {"about": json.dumps(about).encode(), "paths": json.dumps(paths).encode()}
    for first, _ in reversed(spans):
        block: Files = history.store.block(table, first)
        run = json.dumps({"first": block.first, "count": len(block)}).encode()
        names = (*_NAMES, *_LINES) if over.lines else _NAMES
        columns = {name: raw(getattr(block, name)) for name in names}
        content = pack({**head, "run": run, **columns})
        head = {}
        yield len(content).to_bytes(4, "little") + content
    if head:
        content = pack({**head, "run": b'{"first": 0, "count": 0}'})
        yield len(content).to_bytes(4, "little") + content
