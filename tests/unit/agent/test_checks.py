# SPDX-License-Identifier: Apache-2.0
"""What checks amount to: never better than what is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.host.checks import Circumstances, failed_units, outcome, verdict
from codex_agent.host.model import Check, CheckState
from codex_agent.problem import Problem
from tests.unit.agent import trees
from tests.unit.agent.trees import GIB, Tree

GATING = {"root-verity", "agent"}
NAMES = ["root-verity", "secure-boot", "failed-units", "agent"]
STATES: list[CheckState] = ["ok", "degraded", "failed", "unknown", "skipped"]


def state(**checks: CheckState) -> str:
    return judged([(n.replace("_", "-"), s) for n, s in checks.items()])


def judged(pairs: list[tuple[str, CheckState]]) -> str:
    return verdict([Check(n, s, "x", gates=n in GATING) for n, s in pairs]).state


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ({"root_verity": "ok", "disk_space": "ok"}, "healthy"),
        ({"root_verity": "skipped", "disk_space": "ok"}, "healthy"),
        ({"root_verity": "failed", "disk_space": "unknown"}, "failed"),
        ({"agent": "failed"}, "failed"),
        ({"configuration": "failed"}, "degraded"),
        ({"disk_space": "unknown"}, "unknown"),
        # What is not known here could not make it worse than it is.
        ({"disk_space": "unknown", "failed_units": "degraded"}, "degraded"),
        # Here it could.
        ({"root_verity": "unknown", "failed_units": "degraded"}, "unknown"),
        ({}, "healthy"),
    ],
)
def test_verdict(checks: dict[str, CheckState], expected: str) -> None:
    assert state(**checks) == expected


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(STATES)), max_size=6))
def test_a_settled_verdict_does_not_depend_on_what_is_unknown(
    pairs: list[tuple[str, CheckState]],
) -> None:
    found = judged(pairs)
    if found == "unknown":
        return
    for better in STATES:
        if better != "unknown":
            assert judged([(n, better if s == "unknown" else s) for n, s in pairs]) == found


def test_space_below_the_limit_degrades(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    import os

    def nearly_full(_path: str) -> os.statvfs_result:
        total = 10 * GIB // 4096
        free = total * 4 // 100
        return os.statvfs_result((4096, 4096, total, free, free, 10, 9, 9, 0, 255))

    tree.statvfs = nearly_full
    host = tree.sample().host
    check = next(c for c in host.verdict.checks if c.name == "disk-space")
    # The sealed root is full by design and does not count.
    assert check.message == "Space runs out: /var has 4.0 % left."
    assert host.verdict.state == "degraded"


def test_no_room_at_all_is_a_failure_that_degrades(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    import os

    tree.statvfs = lambda _path: os.statvfs_result((4096, 4096, 9999, 255, 0, 10, 9, 9, 0, 255))
    host = tree.sample().host
    check = next(c for c in host.verdict.checks if c.name == "disk-space")
    assert (check.state, check.message) == ("failed", "Space runs out: /var has 0.0 % left.")
    # A version that was good before stays: the other one has the same /var.
    assert host.verdict.state == "degraded"


def test_room_and_gpus_judge_a_version_on_trial(tree: Tree) -> None:
    checks = tree.sample().host.verdict.checks
    assert {check.name for check in checks if check.gates} < {
        check.name for check in checks if check.on_trial
    }
    assert {check.name: check.gates for check in checks if check.on_trial}["disk-space"] is False
    assert "gpu" in {check.name for check in checks if check.on_trial}


def test_configuration_names_the_first_problem(tree: Tree) -> None:
    trees.image_secure_boot(tree)
    problems = [Problem("/etc/codex/hostname is not valid: it is empty.", "Correct it."),
                Problem("b.", "c")]  # fmt: skip
    host = tree.sample(problems).host
    check = next(c for c in host.verdict.checks if c.name == "configuration")
    assert check.state == "failed"
    assert check.message.startswith("/etc/codex/hostname is not valid: it is empty. (1 more")
    assert check.hint == "Correct it."
    assert host.verdict.state == "degraded"


@pytest.mark.parametrize(
    ("manager", "settled", "expected"),
    [("starting", False, "unknown"), ("starting", True, "ok"), ("degraded", False, "ok"),
     ("running", False, "ok")],
)  # fmt: skip
def test_a_host_that_starts_is_not_yet_healthy(
    tree: Tree, manager: str, settled: bool, expected: str
) -> None:
    trees.image(tree)
    sample = tree.sample()
    around = Circumstances(
        False, manager, 5.0, [], outcome("ok", "x"), sample.services.stats, settled
    )
    assert failed_units(sample.host, around).state == expected
