# SPDX-License-Identifier: Apache-2.0
"""A fleet is asked as a whole: a host that does not answer is a line of the table, not its end."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.support.playbook import CONTROLLER, REPOSITORY
from tests.unit.roles.apply import TIMEOUT_S, environment, needs_ansible

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_ansible

STATUS = {"verdict": {"state": "healthy", "checks": []}}


def test_table_and_file(tmp_path: Path) -> None:
    """One host with a program that answers as ours does, one at a port where nothing listens."""
    program = tmp_path / "bin/codex"
    program.parent.mkdir()
    same: dict[str, list[str]] = {"differences": [], "unread": []}
    program.write_text(
        f"#!/bin/sh\n[ $1 = status ] && echo '{json.dumps(STATUS)}' || echo '{json.dumps(same)}'\n"
    )
    program.chmod(0o755)
    hosts: dict[str, Any] = {
        "here": {"ansible_connection": "local"},
        "dead": {"ansible_host": "127.0.0.1", "ansible_port": 9},
        "left-out": {"ansible_connection": "local"},
    }
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    found = tmp_path / "check.json"
    environ = environment(tmp_path)
    done = subprocess.run(
        [CONTROLLER, "--inventory", str(inventory), "--limit", "here,dead", "--extra-vars",
         f"codex_check_file={found}", str(REPOSITORY / "playbooks/check.yml")],
        env={**environ, "PATH": f"{program.parent}:{environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout
    told = {host["host"]: host for host in json.loads(found.read_text())["hosts"]}
    assert set(told) == {"here", "dead"}
    assert told["here"]["verdict"] == "healthy"
    assert told["here"]["differences"] == 0
    assert told["dead"]["verdict"] is None
    assert "does not answer" in told["dead"]["reasons"][0]
    assert "here" in done.stdout
    assert "RESTART" in done.stdout
