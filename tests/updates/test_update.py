# SPDX-License-Identifier: Apache-2.0
"""An update that goes well, and the way back that an operator takes."""

from __future__ import annotations

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


def test_the_second_version_was_found_good(updated: Updated) -> None:
    lab, facts = updated.lab, updated.facts
    assert facts["running"] == lab.second
    assert facts["boot"] == "blessed"
    found = {entry["version"]: entry for entry in facts["versions"]}
    assert set(found) == {lab.first, lab.second}
    assert all(entry["standing"] == "good" and entry["whole"] for entry in found.values())
    assert found[lab.second]["starts_next"]


def test_little_was_moved(updated: Updated) -> None:
    """The root moves by what differs; the rest are the files that go with it."""
    root = (updated.lab.made["second"].root).stat().st_size
    uki = updated.lab.made["second"].uki.stat().st_size
    assert updated.fetched - uki < 0.15 * root


def test_back_by_hand_with_the_state_that_there_was(
    machine: Machine, updated: Updated, table: Table
) -> None:
    lab = updated.lab
    machine.on()
    assert milestones.facts(machine.verdict())["version"] == lab.second
    machine.output(f'test "$(cat {MARKER})" = kept')
    said = machine.output("codex update rollback")
    assert lab.first in said
    machine.restart()
    machine.on()
    verdict = machine.verdict()
    assert verdict["state"] == "healthy"
    assert milestones.facts(verdict)["version"] == lab.first
    machine.output(f'test "$(cat {MARKER})" = kept')
    assert lab.second in status(machine)["bad"]
    table.add("rollback", "an operator goes back", f"{lab.first} runs, with its state", said)
