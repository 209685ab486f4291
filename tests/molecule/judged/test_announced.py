# SPDX-License-Identifier: Apache-2.0
"""A dry run tells the truth, on a host that has nothing and on one that has everything."""

import pytest

from tests.molecule import left, truth


@pytest.fixture(scope="module")
def runs() -> list[left.Run]:
    return left.runs(left.folder())


def test_the_dry_run_came_first_and_nothing_failed(runs: list[left.Run]) -> None:
    assert [run.check for run in runs[:3]] == [True, False, False]
    bad = [t for run in runs[:3] for t in run.told if t.outcome in {"failed", "unreachable"}]
    assert [told.identity for told in bad] == []


def test_what_was_announced_is_what_was_changed(runs: list[left.Run]) -> None:
    found = truth.undeclared(truth.untruths(runs[0], runs[1]), truth.declared())
    assert [str(entry) for entry in found] == []
    assert len(runs[1].changed) > 20, "a fresh host gets more than that"


def test_second_run_changes_nothing(runs: list[left.Run]) -> None:
    assert [told.identity for told in runs[2].changed] == []


def test_every_exception_has_a_reason() -> None:
    assert truth.declared()
