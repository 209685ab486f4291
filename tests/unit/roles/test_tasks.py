# SPDX-License-Identifier: Apache-2.0
"""Tasks are small, tagged, and the same for a tree and for a running host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.unit.roles.apply import ROLES, ansible, needs_ansible

if TYPE_CHECKING:
    from pathlib import Path

TAGS = {"install", "configure", "live", "always"}
FILES = sorted(ROLES.glob("*/tasks/*.yml")) + sorted(ROLES.glob("*/handlers/*.yml"))


def tasks(path: Path) -> list[dict[str, Any]]:
    def flat(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found = []
        for entry in entries:
            found.append(entry)
            for part in ("block", "rescue", "always"):
                found += flat(entry.get(part, []))
        return found

    return flat(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROLES)))
def test_a_task_file_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 120


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROLES)))
def test_no_task_hides_a_failure_or_names_a_release(path: Path) -> None:
    for task in tasks(path):
        assert "ignore_errors" not in task
        assert "ignore_unreachable" not in task
        conditions = str(task.get("when", ""))
        assert "distribution ==" not in conditions, task["name"]
        assert "service_mgr" not in conditions, "it says systemd in a chroot as well"


# Removal takes packages away, for which apt needs no archive.
@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.parents[1].name != "ledger"],
    ids=lambda path: str(path.relative_to(ROLES)),
)
def test_whatever_asks_apt_asks_the_bundle_where_there_is_one(path: Path) -> None:
    for task in tasks(path):
        if "ansible.builtin.apt" in task:
            assert "__codex_apt_environment" in task["environment"], task["name"]
        if "apt.sh" in str(task.get("ansible.builtin.raw", "")):
            assert task["ansible.builtin.raw"].startswith("{{ __packages_environment }}{{ lookup(")


@pytest.mark.parametrize("path", sorted(ROLES.glob("*/handlers/*.yml")), ids=str)
def test_handlers_talk_to_a_running_system_only(path: Path) -> None:
    for task in tasks(path):
        assert "codex_live" in str(task["when"]), task["name"]


#: Not taken up: the version guard rebuilds every initramfs, and servers of the clock hold from the
#: next start on.
ELSEWHERE = {"Rebuild the initramfs", "Restart timesyncd"}


@pytest.mark.parametrize("path", sorted(ROLES.glob("*/handlers/*.yml")), ids=str)
def test_what_handlers_do_is_taken_up_after_a_run_that_did_not_end(path: Path) -> None:
    """Files that are there notify nobody: a second run has to ask for their effect itself."""
    role = path.parents[1]
    if role.name == "ledger":
        pytest.skip("its removal is remembered by itself")
    handlers = {task.get("listen", task["name"]) for task in tasks(path)} - ELSEWHERE
    (taken,) = [
        task for task in tasks(role / "tasks/live.yml") if task["name"].startswith("Take up")
    ]
    assert set(taken["notify"]) == handlers
    assert "codex_unfinished" in taken["when"]


# remove.yml has none: it is done as a whole or not at all.
@needs_ansible
@pytest.mark.parametrize("name", ["site", "host", "upgrade"])
def test_every_task_has_a_tag(tmp_path: Path, name: str) -> None:
    inventory = ["--inventory", "playbooks/image/inventory.yml"]
    done = ansible(tmp_path, *inventory, "--list-tasks", playbook=name)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"^      (\S.*?)\tTAGS: \[(.*)\]$", done.stdout, re.MULTILINE)
    assert len(found) > 40
    for name, tags in found:
        assert TAGS & set(tags.split(", ")), f"{name} has no tag by which it would ever be chosen"


@needs_ansible
@pytest.mark.parametrize("name", ["site", "host", "upgrade", "check", "remove"])
def test_playbook_is_valid_with_the_example_inventory(tmp_path: Path, name: str) -> None:
    inventory = ["--inventory", "playbooks/inventory.example"]
    done = ansible(tmp_path, *inventory, "--syntax-check", playbook=name)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
