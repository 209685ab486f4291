# SPDX-License-Identifier: Apache-2.0
"""A second run that has nothing to do asks a host few questions: each costs a round trip by ssh.

Counted from the tasks as they are written; `make bench ROWS=provision` counts them as they run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.playbook import REPOSITORY
from tests.unit.roles.apply import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The most that a second run may take, and how many of them may start Python on the host: that is
#: ten times as dear as a question to its shell.
BUDGET = 60
PYTHON = 10
#: These run on the controller alone.
HERE = {"assert", "debug", "fail", "set_fact", "include_vars", "meta"}
#: A file is looked at and then its rights are; a script is brought and then run.
TWO = {"copy", "template", "script"}
#: Roles that a host gets in any case, in the order of the playbook.
APPLIED = ["bundle", "version_guard", "host_base", "kernel_modules", "codex_agent"]
#: Conditions that do not hold where nothing is to be done and nothing was asked for.
IDLE = (
    "codex_packages is not defined",
    "__packages_lacking", "packages_files | length > 0", "__host_base_group_missing",
    "__host_base_root_open", "__host_base_other_zone", "__host_base_not_running | length > 0",
    "__codex_agent_not_running | length > 0",
    "__kernel_modules_install", "__codex_agent_install", "__version_guard_mismatched | length > 0",
    "codex_unfinished", "bundle_path | length > 0", "is changed",
    "host_base_config_target | length > 0", "__preflight_pending | length > 0",
    "__host_base_not_enabled | length > 0", "__codex_agent_not_enabled | length > 0",
    "not in __host_base_ground.stdout_lines",
    "__kernel_modules_guarded", "reboot_allowed", "__host_base_checked", "__kernel_modules_checked",
    "__codex_agent_checked", "__version_guard_checked", "__bundle_checked", "__reboot_checked",
)  # fmt: skip
#: Loops over what is not as it has to be.
EMPTY = ("intersect(", "__host_base_not_", "__codex_agent_not_", "__version_guard_unheld",
         "host_base_masked_units")  # fmt: skip
#: Loops over parts of what is as a rule one.
ONE = {"{{ __files_batches }}"}


@dataclass(frozen=True)
class Trips:
    """Round trips of a task, and whether each of them starts Python on the host."""

    name: str
    count: int
    python: bool


def action(task: dict[str, Any]) -> tuple[str, Any]:
    (found,) = [(k, v) for k, v in task.items() if k.startswith("ansible.builtin.")]
    return found[0].removeprefix("ansible.builtin."), found[1]


def idle(task: dict[str, Any]) -> bool:
    """Say whether a task that has nothing to do is left out; a dry run is another matter."""
    condition = re.sub(r"not \(ansible_check_mode.*\)$", "", str(task.get("when", "")))
    if "ansible_check_mode" in condition.replace("not ansible_check_mode", ""):
        return True
    if any(re.search(rf"(?<!\w){re.escape(part)}(?!\w)", condition) for part in IDLE):
        return True
    return any(part in str(task.get("loop", "")) for part in EMPTY)


def trips(path: Path, tasks: list[dict[str, Any]]) -> Iterator[Trips]:
    """Yield the round trips of each task that a second run comes to."""
    for task in tasks:
        if idle(task):
            continue
        if "block" in task:
            yield from trips(path, task["block"])
            continue
        name, words = action(task)
        if name in {"import_tasks", "include_tasks"}:
            file = words if isinstance(words, str) else words["file"]
            inner = path.with_name(file)
            yield from trips(inner, yaml.safe_load(inner.read_text()))
        elif name in {"import_role", "include_role"}:
            if words["name"] != "{{ __codex_gpu_role }}":
                yield from role(words["name"], words.get("tasks_from", "main"))
        elif name not in HERE:
            loop = [0] if task.get("loop") in ONE else task.get("loop", [0])
            assert isinstance(loop, list), f"{task['name']}: how often does it run?"
            count = len(loop) * (2 if name in TWO else 1)
            yield Trips(f"{path.parents[1].name}: {task['name']}", count, python=name != "raw")


def role(name: str, part: str = "main") -> Iterator[Trips]:
    path = ROLES / name / f"tasks/{part}.yml"
    return trips(path, yaml.safe_load(path.read_text()))


@pytest.fixture(scope="module")
def second() -> list[Trips]:
    place = REPOSITORY / "playbooks/host.yml"
    (play,) = yaml.safe_load(place.read_text())
    found = []
    for part in ("pre_tasks", "tasks", "post_tasks"):
        wanted = [t for t in play[part] if "codex_more_roles" not in str(t.get("when", ""))]
        for task in wanted:
            name, words = action(task)
            if name == "import_tasks":
                inner = place.parent / words
                found += list(trips(inner, yaml.safe_load(inner.read_text())))
            else:
                found += list(trips(place, [task]))
        if part == "pre_tasks":
            for applied in APPLIED:
                found += list(role(applied))
    return found


def test_the_roles_are_those_of_the_playbook() -> None:
    (play,) = yaml.safe_load((REPOSITORY / "playbooks/host.yml").read_text())
    assert [entry["role"] for entry in play["roles"] if "when" not in entry] == APPLIED


def test_a_second_run_keeps_to_its_budget(second: list[Trips]) -> None:
    told = "\n".join(map(str, second))
    assert sum(trips.count for trips in second) <= BUDGET, told
    assert sum(trips.count for trips in second if trips.python) <= PYTHON, told


def test_what_is_asked_in_any_case_is_counted(second: list[Trips]) -> None:
    """Or the budget would be kept by what was overlooked."""
    assert {
        "preflight: Read what the host is",
        "ledger: Keep what is at these paths",
        "version_guard: Set the default of the boot loader",
        "host_base: Read back kernel settings",
        "codex_agent: Wait for the agent's answer",
        "reboot: Look for reasons for a restart",
        "playbooks: Wait for the host's verdict",
    } <= {trips.name for trips in second}
