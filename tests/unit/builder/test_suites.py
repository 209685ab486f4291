# SPDX-License-Identifier: Apache-2.0
"""What the tools tree is asked for before a suite runs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from builder import testing
from builder.testing import EVERY_ATTACK, UPDATES

if TYPE_CHECKING:
    from builder.paths import Paths


@pytest.fixture
def suites(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> testing.Tests:
    found = testing.Tests(paths, Mock())
    found.tree, found.packages = Mock(), Mock()
    monkeypatch.setattr(testing, "Image", Mock())
    monkeypatch.setattr(found, "_pytest", Mock())
    return found


def _asked(suites: testing.Tests) -> list[str]:
    return [call[0] for call in suites.tree.mock_calls]  # type: ignore[attr-defined]


@pytest.mark.parametrize("suite", [UPDATES, f"{UPDATES}/test_power_cuts.py"])
def test_recorder_is_there_for_tests_of_updates(suites: testing.Tests, suite: str) -> None:
    suites.suites(["tests/host", suite], EVERY_ATTACK)
    assert _asked(suites) == ["ensure", "ensure_browser", "ensure_updates"]
    suites._pytest.assert_called_once_with(["tests/host", suite, *EVERY_ATTACK])  # type: ignore[attr-defined]


def test_other_suites_do_not_wait_for_the_recorder(suites: testing.Tests) -> None:
    suites.suites([suite for suite in testing.SUITES if suite != UPDATES])
    assert _asked(suites) == ["ensure", "ensure_browser"]


def test_every_attack_is_tried_by_several_processes(suites: testing.Tests) -> None:
    """A guest waits much of its time: two use the processors that one leaves idle."""
    suites.boot()
    (words,) = suites._pytest.call_args.args  # type: ignore[attr-defined]
    assert words[: 1 + len(EVERY_ATTACK)] == [UPDATES, *EVERY_ATTACK]
    assert int(words[-2].removeprefix("--numprocesses=")) >= 2
    assert words[-1] == "--dist=worksteal"
