# SPDX-License-Identifier: Apache-2.0
"""How a run of the roles ended, read from what Ansible reports."""

from __future__ import annotations

import json
from typing import Any

from tests.molecule.apply import read


def _report(*results: dict[str, Any]) -> str:
    tasks = [{"task": {"name": "t"}, "hosts": {"h": result}} for result in results]
    return json.dumps({"plays": [{"tasks": tasks}], "stats": {}}, indent=4)


def test_words_of_a_refusal_and_what_was_changed_before() -> None:
    text = _report({"changed": True}, {"failed": True, "msg": "It is full.\nNothing was changed."})
    outcome = read(2, text)
    assert outcome.sentence == "It is full. Nothing was changed."
    assert (outcome.status, outcome.changed) == (2, 1)


def test_warnings_around_the_report_are_passed_over() -> None:
    text = f"[WARNING]: {{}} is deprecated\n{_report({'changed': False})}\nand something more"
    assert read(0, text).failures == ()


def test_items_of_a_loop_that_failed_are_told() -> None:
    parts = [{"changed": True}, {"failed": True, "msg": "one", "stderr": "two"}]
    outcome = read(2, _report({"results": parts, "failed": True}))
    assert outcome.failures == ("one two",)
    assert outcome.changed == 1


def test_host_that_went_away_is_a_failure() -> None:
    assert read(4, _report({"unreachable": True, "msg": "gone"})).failures == ("gone",)


def test_without_a_report_everything_that_was_said_is_the_failure() -> None:
    assert read(1, "ERROR! no such playbook").sentence == "ERROR! no such playbook"
    assert read(1, "{\n broken").failures == ("{\n broken",)
