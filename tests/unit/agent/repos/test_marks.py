# SPDX-License-Identifier: Apache-2.0
"""Attribution of branches: what holds for every graph."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from codex_agent.repos.blocks import NONE
from codex_agent.repos.columns import u32
from codex_agent.repos.marks import Graph, attribute, forward


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    """Parents of each commit; a parent has always the smaller number."""
    count = draw(st.integers(1, 25))
    return [
        draw(st.lists(st.integers(0, n - 1), unique=True, max_size=3)) if n else []
        for n in range(count)
    ]


def graph(parents: list[list[int]]) -> Graph:
    start = [0]
    for row in parents:
        start.append(start[-1] + len(row))
    return Graph(u32(start), u32(p for row in parents for p in row))


def reachable(parents: list[list[int]], tips: list[int]) -> set[int]:
    found: set[int] = set()
    todo = list(tips)
    while todo:
        number = todo.pop()
        if number not in found:
            found.add(number)
            todo += parents[number]
    return found


@settings(deadline=None)
@given(st.data(), graphs())
def test_exactly_what_is_reachable_has_a_branch(
    data: st.DataObject, parents: list[list[int]]
) -> None:
    tips = data.draw(st.lists(st.integers(0, len(parents) - 1), max_size=4))
    marks = attribute(graph(parents), [str(n) for n in range(len(tips))], tips)
    seen = {number for number, label in enumerate(marks.branch) if label != NONE}
    assert seen == reachable(parents, tips)
    if tips:
        # The first branch has the whole chain of its first parents.
        number = tips[0]
        assert marks.branch[number] == 0
        while parents[number]:
            number = parents[number][0]
            assert marks.branch[number] == 0


@settings(deadline=None)
@given(st.data(), graphs())
def test_going_on_is_the_same_as_beginning_anew(
    data: st.DataObject, parents: list[list[int]]
) -> None:
    count = len(parents)
    before = data.draw(st.integers(1, count))
    number = data.draw(st.integers(1, 4))
    old_tips = data.draw(st.lists(st.integers(0, before - 1), min_size=number, max_size=number))
    new_tips = [data.draw(st.one_of(st.just(tip), st.integers(0, count - 1))) for tip in old_tips]
    names = [str(n) for n in range(number)]
    old = attribute(graph(parents[:before]), names, old_tips)
    gone_on = forward(graph(parents), old, names, new_tips)
    if gone_on is not None:
        assert gone_on.branch == attribute(graph(parents), names, new_tips).branch


def test_a_branch_that_goes_on_is_brought_up_to_date() -> None:
    parents: list[list[int]] = [[], [0], [1], [1], [3, 2]]
    old = attribute(graph(parents[:3]), ["main", "HEAD"], [2, 2])
    assert forward(graph(parents), old, ["main", "HEAD"], [2, 2]) is not None
    grown = [[], [0], [1], [2], [3]]
    found = forward(graph(grown), old, ["main", "HEAD"], [4, 4])
    assert found is not None
    assert found.branch.tolist() == [0] * 5
    assert forward(graph(grown), old, ["other"], [4]) is None
