# SPDX-License-Identifier: Apache-2.0
"""Which branch a commit belongs to: that whose first parents lead to it.

Branches are asked in a steady order (HEAD's own, main or master, local, remote, tags), and each
takes the chain of first parents from its tip down to what another has taken. What is on no such
chain came in by a merge and belongs to the branch of its oldest child. What no ref reaches belongs
to none: after a forced push it stays in the store, unseen.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.repos.blocks import NONE
from codex_agent.repos.columns import u32
from codex_agent.repos.refs import HEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_agent.repos.refs import Refs

_FIRST = ("refs/heads/main", "refs/heads/master")


@dataclass(slots=True)
class Graph:
    """Parents of all commits: those of ``n`` are ``parents[start[n]:start[n + 1]]``."""

    start: array[int]
    parents: array[int]

    def __len__(self) -> int:
        return len(self.start) - 1


@dataclass(slots=True)
class Marks:
    """``branch`` has for each commit a place in ``names``, or NONE; ``tips`` are commit numbers."""

    names: list[str]
    tips: list[int]
    branch: array[int]


def order(refs: Refs) -> list[str]:
    """Return the names of all refs that come to a commit, in the order in which they are asked."""
    named = [name for name, ref in refs.table.items() if ref.commit is not None]

    def rank(name: str) -> tuple[int, str]:
        if name == refs.head or name == HEAD:
            return (0, name) if refs.head is None or name != HEAD else (9, name)
        if name in _FIRST:
            return (1, name)
        kinds = ("refs/heads/", "refs/remotes/", "refs/tags/")
        return (2 + next((at for at, kind in enumerate(kinds) if name.startswith(kind)), 3), name)

    return sorted(named, key=rank)


def attribute(graph: Graph, names: list[str], tips: Sequence[int]) -> Marks:
    """Give each commit its branch."""
    count = len(graph)
    branch = u32([NONE]) * count
    start, parents = graph.start, graph.parents
    for label, tip in enumerate(tips):
        number = tip
        while branch[number] == NONE:
            branch[number] = label
            at = start[number]
            if at == start[number + 1]:
                break
            number = parents[at]
    fixed = bytearray(0 if label == NONE else 1 for label in branch)
    _inherit(graph, branch, fixed, 0)
    return Marks(names, list(tips), branch)


def _inherit(graph: Graph, branch: array[int], fixed: bytearray, first: int) -> bool:
    """Pass labels on to parents, from the newest commit down to ``first``.

    The oldest child comes last and wins, so a later merge never takes a commit away from the branch
    that had it. False where a label would have to go below ``first``.
    """
    start, parents = graph.start, graph.parents
    for number in range(len(graph) - 1, first - 1, -1):
        label = branch[number]
        if label == NONE:
            continue
        for parent in parents[start[number] : start[number + 1]]:
            if parent < first:
                if branch[parent] == NONE:
                    return False
            elif not fixed[parent - first]:
                branch[parent] = label
    return True


def forward(graph: Graph, old: Marks, names: list[str], tips: Sequence[int]) -> Marks | None:
    """Bring marks up to date where branches only went on; None where all has to be done anew."""
    before, count = len(old.branch), len(graph)
    if names != old.names:
        return None
    branch = array("I", old.branch)
    branch.extend(u32([NONE]) * (count - before))
    start, parents, old_tips = graph.start, graph.parents, set(old.tips)
    for label, (was, tip) in enumerate(zip(old.tips, tips, strict=True)):
        number = tip
        while number >= before and branch[number] == NONE:
            branch[number] = label
            at = start[number]
            if at == start[number + 1]:
                return None
            number = parents[at]
        # A branch that owned commits has to come down on its own. One that shared the tip of
        # another may also stop at what an earlier one has: then it owns nothing again.
        if number == was:
            continue
        owned = number >= before or (number in old_tips and branch[number] < label)
        if old.branch[was] == label or not owned:
            return None
    fixed = bytearray(0 if label == NONE else 1 for label in branch[before:])
    return Marks(names, list(tips), branch) if _inherit(graph, branch, fixed, before) else None
