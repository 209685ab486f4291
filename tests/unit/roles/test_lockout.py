# SPDX-License-Identifier: Apache-2.0
"""Whoever applies the roles gets in afterwards, or the host takes back what keeps them out."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.unit.roles.apply import ROLES

#: A file of tasks, then in their order: what arms the way back, what takes effect, what proves it
#: by a connection made anew, and what ends the way back.
PROOFS = {
    "host_base/tasks/login.yml": (
        "Put the old rules back unless somebody gets in", "New rules in force", "Come again",
        "New connection", "Keep the new rules",
    ),
    "hardening/tasks/proof.yml": (
        "Take the filter back unless somebody gets through", "Filter in force", "Come again",
        "Get through the filter", "Leave the filter where it is",
    ),
}  # fmt: skip


def tasks(path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((ROLES / path).read_text())
    return found


@pytest.mark.parametrize("path", sorted(PROOFS))
def test_the_way_back_is_armed_before_the_change_and_ends_after_the_proof(path: str) -> None:
    names = [task["name"] for task in tasks(path)]
    places = [names.index(name) for name in PROOFS[path]]
    assert places == sorted(places)
    again = tasks(path)[names.index("Come again")]
    assert again["ansible.builtin.meta"] == "reset_connection"
    # Ansible takes no notice of a condition there.
    assert "when" not in again


def test_a_filter_that_nobody_came_through_is_gone_after_a_start() -> None:
    armed = tasks("hardening/tasks/proof.yml")[0]
    assert "systemctl disable" in armed["ansible.builtin.shell"]["cmd"]
    names = [task["name"] for task in tasks("hardening/tasks/filter.yml")]
    assert names.index("Prove the filter") < names.index("Filter from the next start on")
    for path in ROLES.glob("hardening/*/*.yml"):
        enables = re.search("enabled: true|systemctl enable", path.read_text())
        assert path.name == "filter.yml" or not enables, path


@pytest.mark.parametrize("path", ["host_base/tasks/ssh.yml", "hardening/tasks/settings.yml"])
def test_rules_of_remote_login_are_taken_by_that_proof_alone(path: str) -> None:
    rules = tasks(path)[0]
    assert rules["name"] == "Rules of remote login"
    assert "notify" not in rules
    assert "validate" in rules["ansible.builtin.template"]
    live = yaml.safe_load((ROLES / path).with_name("live.yml").read_text())
    (taken,) = [task for task in live if task["name"] == "Take the new rules of remote login"]
    assert rules["register"] in taken["when"]
    assert "codex_unfinished" in taken["when"]


@pytest.mark.parametrize("name", ["host_base", "hardening"])
def test_who_logs_in_is_asked_as_who_logs_in(name: str) -> None:
    """An inventory that sets ansible_become wins over the keyword, and root has keys of its own."""
    asked = [task for task in tasks(f"{name}/tasks/preflight.yml") if "$(id -un)" in str(task)
             or "id -un &&" in str(task)]  # fmt: skip
    assert len(asked) == 1
    assert asked[0]["vars"] == {"ansible_become": False}
    assert "become" not in asked[0]
