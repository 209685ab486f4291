# SPDX-License-Identifier: Apache-2.0
"""What all metrics are made of: changes of files, with who made them and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.repos.blocks import BINARY, NO_TIME, NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_agent.repos.history import History
    from codex_agent.repos.people import People
    from codex_agent.repos.store import Table


@dataclass(frozen=True, slots=True)
class Basis:
    """Over what a figure was made.

    ``commits`` were looked at; ``lines`` says whether their lines are counted, and
    ``lines_reason`` why not (for all or for some).
    """

    commits: int
    lines: bool
    lines_reason: str | None


@dataclass(slots=True)
class CommitFiles:
    """A commit with its files: places of ``paths``; counts are 0 for a file without lines."""

    number: int
    time: int | None
    person: int
    files: list[tuple[int, int, int, int]]  # path, path before or NONE, added, deleted
    statuses: bytes


def basis(history: History, commits: int) -> Basis:
    """Say whether lines can be told for the whole history."""
    store = history.store
    spans = store.spans("lines")
    counted = sum(count for _, count in spans)
    reason = store.fact("lines_reason")
    failed = len(store.skipped("lines"))
    if counted == store.count:
        text = f"The lines of {failed} commits cannot be counted." if failed else None
        return Basis(commits, True, text)
    if reason is None:
        reason = f"The lines of {counted} of {store.count} commits are counted so far."
    return Basis(commits, False, reason)


def each(history: History, people: People, limit: int | None = None) -> Iterator[CommitFiles]:
    """Yield commits that a ref reaches, the newest first, as far as their files are known.

    Lines are used when every commit has them, with renames; else the files alone.
    """
    store = history.store
    marks = history.marks()
    if marks is None:
        return
    have_lines = sum(count for _, count in store.spans("lines")) == store.count
    table: Table = "lines" if have_lines else "files"
    left = limit if limit is not None else store.count
    held = None
    for first, _ in reversed(store.spans(table)):
        block = store.block(table, first)
        spans = list(block.each())
        for number, _, start, end in reversed(spans):
            if marks.branch[number] == NONE:
                continue
            if left <= 0:
                return
            left -= 1
            if held is None or not held.first <= number < held.first + len(held):
                found = store.holding("commits", number)
                held = store.block("commits", number if found is None else found)
            at = number - held.first
            if have_lines:
                rows = [
                    (
                        block.path[i], block.old[i],
                        0 if block.added[i] == BINARY else block.added[i],
                        0 if block.deleted[i] == BINARY else block.deleted[i],
                    )
                    for i in range(start, end)
                ]  # fmt: skip
            else:
                rows = [(block.path[i], NONE, 0, 0) for i in range(start, end)]
            time = held.time[at]
            yield CommitFiles(
                number, None if time == NO_TIME else time, people.of[held.author[at]], rows,
                block.status[start:end].tobytes(),
            )  # fmt: skip
