# SPDX-License-Identifier: Apache-2.0
"""The way back that an operator takes, from a version that was found good."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support import milestones
from tests.updates.conftest import status
from tests.updates.first_update import MARKER

if TYPE_CHECKING:
    from tests.support.attack_table import Table
    from tests.support.machine import Machine
    from tests.updates.conftest import Updated

pytestmark = pytest.mark.guest


def test_back_by_hand_with_the_state_that_there_was(
    running: Machine, updated: Updated, table: Table
) -> None:
    lab = updated.lab
    assert status(running)["running"] == lab.second
    running.output(f'test "$(cat {MARKER})" = kept')
    started = time.monotonic()
    said = running.output("codex update rollback")
    assert lab.first in said
    running.restart()
    running.on()
    verdict = running.verdict()
    table.figures["rollback_by_hand_s"] = round(time.monotonic() - started, 1)
    assert verdict["state"] == "healthy"
    assert milestones.facts(verdict)["version"] == lab.first
    running.output(f'test "$(cat {MARKER})" = kept')
    assert lab.second in status(running)["bad"]
    table.add("rollback", "an operator goes back", f"{lab.first} runs, with its state", said)
