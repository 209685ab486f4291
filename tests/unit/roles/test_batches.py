# SPDX-License-Identifier: Apache-2.0
"""The playbooks go from batch to batch, and end with the first host that is not well."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.playbook import CONTROLLER, REPOSITORY
from tests.unit.roles.apply import TIMEOUT_S, environment, needs_ansible

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_ansible

HOSTS = ["a", "b", "c", "d"]


def reached(folder: Path, name: str, bad: str, *options: str) -> list[str]:
    """Run a play with the batches of a playbook of ours, in which one host fails at its end."""
    (real,) = yaml.safe_load((REPOSITORY / f"playbooks/{name}.yml").read_text())
    play: dict[str, Any] = {key: real[key] for key in ("hosts", "serial", "max_fail_percentage")}
    play |= {"gather_facts": False, "connection": "local", "tasks": [
        {"ansible.builtin.copy": {"content": "", "dest": f"{folder}/{{{{ inventory_hostname }}}}",
                                  "mode": "0644"}},
        {"ansible.builtin.fail": {"msg": "not well"}, "when": f"inventory_hostname == '{bad}'"},
    ]}  # fmt: skip
    (folder / "play.yml").write_text(json.dumps([play]))
    done = subprocess.run(
        [CONTROLLER, "--inventory", ",".join(HOSTS), *options, str(folder / "play.yml")],
        env=environment(folder, ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3"),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == (2 if bad else 0), done.stdout + done.stderr
    return [host for host in HOSTS if (folder / host).exists()]


def test_an_upgrade_stops_at_the_first_bad_host(tmp_path: Path) -> None:
    assert reached(tmp_path, "upgrade", "b") == ["a", "b"]


def test_batches_of_an_operator_stop_as_well(tmp_path: Path) -> None:
    given = json.dumps({"codex_serial": [1, "50%"]})
    assert reached(tmp_path, "host", "b", "--extra-vars", given) == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["upgrade", "host", "remove"])
def test_all_are_reached_where_all_are_well(tmp_path: Path, name: str) -> None:
    assert reached(tmp_path, name, "") == HOSTS


@pytest.mark.parametrize("name", ["upgrade", "host"])
def test_each_batch_ends_with_the_verdict(name: str) -> None:
    (real,) = yaml.safe_load((REPOSITORY / f"playbooks/{name}.yml").read_text())
    assert real["post_tasks"][-1]["ansible.builtin.import_tasks"] == "tasks/health.yml"
