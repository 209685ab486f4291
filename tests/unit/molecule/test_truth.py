# SPDX-License-Identifier: Apache-2.0
"""What a dry run said against what the run did: planted lies are found, declared ones are not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.molecule import left, truth
from tests.molecule.left import Run, Told

TASK = Told("Write it", "roles/r/tasks/main.yml", "", "ansible.builtin.copy", False, "ok", True)


def _run(*told: Told, check: bool = False) -> Run:
    return Run("converge.yml", check, 1.0, 1.0, told)


def test_same_changes_are_the_truth() -> None:
    assert truth.untruths(_run(TASK, check=True), _run(TASK)) == []


def test_change_without_announcement_is_found() -> None:
    quiet = replace(TASK, changed=False)
    [found] = truth.untruths(_run(quiet, check=True), _run(TASK))
    assert found.kind == "silent"
    assert str(found) == "roles/r/tasks/main.yml: Write it: changed without being announced"


def test_skipped_in_the_dry_run_and_done_later_is_found() -> None:
    skipped = replace(TASK, changed=False, outcome="skipped")
    assert [u.kind for u in truth.untruths(_run(skipped, check=True), _run(TASK))] == ["silent"]


def test_announcement_without_change_is_found() -> None:
    [found] = truth.untruths(_run(TASK, check=True), _run())
    assert found.kind == "loud"


def test_debug_task_speaks_for_one_task_of_its_file() -> None:
    says = replace(TASK, task="Say what would be written", action=truth.SAYS)
    other = replace(TASK, task="Write more")
    assert truth.untruths(_run(says, check=True), _run(TASK)) == []
    both = truth.untruths(_run(says, check=True), _run(TASK, other))
    assert [(u.kind, u.told.task) for u in both] == [("silent", "Write more")]
    elsewhere = replace(TASK, path="roles/r/tasks/other.yml")
    apart = truth.untruths(_run(says, check=True), _run(elsewhere))
    assert sorted(u.kind for u in apart) == ["loud", "silent"]
    nothing = truth.untruths(_run(says, check=True), _run())
    assert [u.kind for u in nothing] == ["loud"]


def test_only_a_debug_task_speaks_for_another() -> None:
    other = replace(TASK, task="Write it otherwise")
    found = truth.untruths(_run(other, check=True), _run(TASK))
    assert sorted(u.kind for u in found) == ["loud", "silent"]


def test_items_of_a_loop_are_told_apart() -> None:
    one, two = replace(TASK, item="one"), replace(TASK, item="two")
    found = truth.untruths(_run(one, check=True), _run(one, two))
    assert [(u.kind, u.told.item) for u in found] == [("silent", "two")]


def test_a_folder_that_two_roles_need_is_made_by_the_first() -> None:
    first = replace(TASK, item="/usr/lib/codex")
    second = replace(first, path="roles/other/tasks/main.yml")
    assert truth.untruths(_run(first, second, check=True), _run(first)) == []
    lone = replace(second, item="/usr/lib/other")
    assert [u.kind for u in truth.untruths(_run(first, lone, check=True), _run(first))] == ["loud"]


def test_handlers_follow_from_what_notifies_them() -> None:
    handler = replace(TASK, handler=True)
    assert truth.untruths(_run(check=True), _run(handler)) == []


def test_exception_covers_its_own_task_and_kind_only() -> None:
    allowed = truth.Allowance("silent", "roles/r/tasks/.*", ".*Write it", "it is like this here")
    silent = truth.Untruth("silent", TASK)
    others = [
        truth.Untruth("loud", TASK),
        truth.Untruth("silent", replace(TASK, task="Write it twice")),
        truth.Untruth("silent", replace(TASK, path="roles/s/roles/r/tasks/main.yml")),
    ]
    assert truth.undeclared([silent, *others], [allowed]) == others


@pytest.mark.parametrize(
    "entry",
    [
        'kind = "quiet"\nwhy = "a reason that is long enough"',
        'kind = "silent"\nwhy = ""',
    ],
)
def test_exception_without_kind_or_reason_is_none(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "announced.toml"
    path.write_text(f'[[exception]]\npath = "a"\ntask = "b"\n{entry}\n')
    with pytest.raises(ValueError, match="is no exception"):
        truth.declared(path)


def test_exceptions_of_the_house_name_tasks_that_there_are() -> None:
    """One that was renamed would go on to hide nothing, and nobody would know."""
    root = Path(__file__).parents[3]
    tasks = {
        str(path.relative_to(root)): path.read_text(encoding="utf-8")
        for place in ("roles/*", "tests/molecule/roles/*")
        for path in root.glob(f"{place}/tasks/*.yml")
    }
    for entry in truth.declared():
        places = [text for path, text in tasks.items() if re.fullmatch(entry.path, path)]
        names = re.findall(r"- name: (.*)", "\n".join(places))
        assert [name for name in names if re.fullmatch(entry.task, name)], entry


def _written(folder: Path, number: int, **more: Any) -> None:
    told = {"host": "h", "item": "", "handler": False, "outcome": "ok", "changed": True}
    result = {**told, "task": "t", "path": "p", "action": "ansible.builtin.copy"}
    data = {"playbook": "converge.yml", "check": False, "wall_s": 1, "cpu_s": 2,
            "results": [result], **more}  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number:02d}-run.json").write_text(json.dumps(data))


def test_runs_are_read_in_their_order_and_others_left_out(tmp_path: Path) -> None:
    _written(tmp_path / "told", 2, check=False)
    _written(tmp_path / "told", 1, check=True)
    _written(tmp_path / "told", 3, playbook="prepare.yml")
    assert [run.check for run in left.runs(tmp_path)] == [True, False]


def test_round_trips_are_what_is_asked_of_the_host() -> None:
    asked = [TASK, replace(TASK, changed=False), replace(TASK, outcome="failed")]
    own = [replace(TASK, outcome="skipped"), replace(TASK, action="ansible.builtin.assert"),
           replace(TASK, action="ansible.builtin.set_fact")]  # fmt: skip
    assert _run(*asked, *own).round_trips == len(asked)
