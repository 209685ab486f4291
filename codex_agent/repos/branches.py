# SPDX-License-Identifier: Apache-2.0
"""Branches as they hang together: where each began, and which merges brought it into others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from codex_agent.repos.blocks import NO_TIME, NONE
from codex_agent.repos.commits import Reader
from codex_agent.repos.scene import moment

if TYPE_CHECKING:
    from codex_agent.repos.history import History
    from codex_agent.repos.marks import Graph, Marks
    from codex_agent.repos.scene import Scene

#: A branch whose last commit is older than this, counted from the newest of all, is not active.
ACTIVE_S = 90 * 86_400
CONNECTIONS_MAX = 1000
_BRANCHES = ("refs/heads/", "refs/remotes/")


@dataclass(frozen=True, slots=True)
class Connection:
    """How a branch hangs together with another; a fork tells the commit that it began at."""

    target_branch: str
    merge_sha: str
    connection_type: Literal["merge", "fork", "rebase"]


@dataclass(frozen=True, slots=True)
class BranchNode:
    """A branch in the scene; ``x``, ``y`` and ``z`` are those of its head, ``x`` its own lane.

    ``created_at`` is the time of the oldest commit that it owns, null where it owns none.
    """

    name: str
    head_sha: str
    is_active: bool
    merge_count: int
    created_at: str | None
    last_commit: str | None
    x: int | None
    y: int | None
    z: int | None
    connections: list[Connection]
    connections_total: int


@dataclass(slots=True)
class _Gathered:
    """What one pass over the graph says, by label; commits are told by number."""

    oldest: list[int]
    merges: list[int]
    links: list[list[tuple[int, int, Literal["merge", "fork"]]]]
    totals: list[int]


def _gather(graph: Graph, marks: Marks) -> _Gathered:
    count = len(marks.names)
    found = _Gathered([-1] * count, [0] * count, [[] for _ in range(count)], [0] * count)
    branch, start, parents = marks.branch, graph.start, graph.parents

    def link(of: int, target: int, commit: int, kind: Literal["merge", "fork"]) -> None:
        found.totals[of] += 1
        if len(found.links[of]) < CONNECTIONS_MAX:
            found.links[of].append((target, commit, kind))

    # Newest first, so that the newest merges are those that are kept.
    for number in range(min(len(branch), len(graph)) - 1, -1, -1):
        label = branch[number]
        if label == NONE:
            continue
        found.oldest[label] = number
        above = parents[start[number] : start[number + 1]]
        if len(above) > 1:
            found.merges[label] += 1
            for parent in above[1:]:
                other = branch[parent]
                if other not in (label, NONE):
                    link(other, label, number, "merge")
    for label, oldest in enumerate(found.oldest):
        if oldest >= 0 and start[oldest] < start[oldest + 1]:
            parent = parents[start[oldest]]
            if branch[parent] not in (label, NONE):
                # It is what a branch began with, so it is never among those left out.
                found.totals[label] += 1
                found.links[label].append((branch[parent], parent, "fork"))
    return found


def nodes(history: History, scene: Scene) -> list[BranchNode]:
    """Return every branch, local and remote, in the order of their lanes."""
    marks = scene.marks
    if marks is None:
        return []
    gathered = _gather(history.graph(), marks)
    reader = Reader(history, scene.people)
    heads = {
        label: reader.commit(marks.tips[label])
        for label, name in enumerate(marks.names)
        if name.startswith(_BRANCHES)
    }
    newest = max((head.time for head in heads.values() if head.time is not None), default=NO_TIME)
    found = []
    for label, head in heads.items():
        oldest = gathered.oldest[label]
        links = [
            Connection(scene.names[target], reader.oid(commit), kind)
            for target, commit, kind in gathered.links[label]
        ]
        placed = scene.commit(head)
        found.append(
            BranchNode(
                name=scene.names[label], head_sha=head.oid,
                is_active=head.time is not None and newest - head.time <= ACTIVE_S,
                merge_count=gathered.merges[label],
                created_at=moment(reader.commit(oldest).time) if oldest >= 0 else None,
                last_commit=moment(head.time), x=scene.lanes[label], y=placed.y, z=placed.z,
                connections=links, connections_total=gathered.totals[label],
            )
        )  # fmt: skip
    return found
