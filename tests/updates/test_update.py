# SPDX-License-Identifier: Apache-2.0
"""An update that goes well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
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
    """Of the root only what differs was moved, and of the UKI what is not in the running one."""
    figures = updated.figures
    assert figures["moved_of_root_percent"] < 15
    assert figures["moved_bytes"] < 0.15 * figures["root_bytes"] + figures["uki_bytes"]
