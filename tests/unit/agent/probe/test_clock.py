# SPDX-License-Identifier: Apache-2.0
"""The clock against the build of the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.probe import clock

if TYPE_CHECKING:
    from tests.unit.agent.trees import Tree

DAY = 86400.0
RELEASE = "/usr/lib/os-release"


@pytest.mark.parametrize(
    ("age_days", "state"),
    [(0, "ok"), (-0.9, "ok"), (400, "ok"), (-1.1, "failed"), (-7000, "failed"), (12_000, "failed")],
)
def test_the_clock_and_the_build(tree: Tree, age_days: float, state: str) -> None:
    tree.put(RELEASE, "ID=debian\n", age_s=age_days * DAY)
    found = clock.ask(tree.root, lambda: True)
    assert found.state == state
    assert (found.hint is None) == (state == "ok")
    if age_days < -1:
        assert found.message.startswith("The clock says 2026-11-22, but this system was built on ")


def test_the_later_of_two_counts(tree: Tree) -> None:
    tree.put(RELEASE, "", age_s=100 * DAY)
    tree.put("/usr/lib/clock-epoch", "", age_s=-3 * DAY)
    assert clock.ask(tree.root, lambda: True).state == "failed"


def test_nothing_to_compare_with(tree: Tree) -> None:
    assert clock.ask(tree.root, lambda: True).state == "unknown"


@pytest.mark.parametrize(
    ("kernel", "files", "words"),
    [
        (True, [], "The clock is synchronised."),
        (False, [], "it is not synchronised: nothing on this host does that"),
        (False, ["x"], "systemd-timesyncd has had no answer from a server yet"),
        (None, [], "whether it is synchronised may not be asked here"),
        (None, ["synchronized"], "The clock is synchronised."),
        (None, ["x"], "systemd-timesyncd has had no answer from a server yet"),
    ],
)
def test_who_keeps_it_right(tree: Tree, kernel: bool | None, files: list[str], words: str) -> None:
    """None of it is a fault: a host may have no way to a server."""
    tree.put(RELEASE, "")
    for name in files:
        tree.put(f"{clock.TIMESYNC}/{name}", "")
    found = clock.ask(tree.root, lambda: kernel)
    assert found.state == "ok"
    assert words in found.message


def test_the_kernel_can_be_asked() -> None:
    assert clock.kernel_says() in (True, False)
