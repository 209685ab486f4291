# SPDX-License-Identifier: Apache-2.0
"""Applies the roles to a host in check mode and reads what they would change."""

import difflib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import timeouts

REPOSITORY = Path(__file__).parents[2]
#: Ansible of the tools tree, which builds images and has the collections.
PROGRAM = "/usr/bin/ansible-playbook"
COLLECTIONS = "/usr/lib/python3/dist-packages"
#: Ansible of an operator: the version that the lock file names, beside pytest.
CONTROLLER = str(Path(sys.executable).with_name("ansible-playbook"))


@dataclass(frozen=True)
class Recap:
    """Outcome for one host: Ansible's own counters, and a text for each task that did not pass."""

    counters: dict[str, int]
    changes: list[str]


def check(directory: Path, name: str, variables: dict[str, str], group: str | None) -> Recap:
    """Run site.yml with --check --diff against the host ``name``, in ``group`` if one is given."""
    host: dict[str, Any] = {"hosts": {name: variables}}
    inventory = directory / "inventory.json"
    inventory.write_text(json.dumps({"all": {"children": {group: host}} if group else host}))
    command = [PROGRAM, "--check", "--diff", "--inventory", str(inventory), "playbooks/site.yml"]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_NOCOLOR": "1",
             "ANSIBLE_TIMEOUT": str(int(timeouts.COMMAND_S)), "ANSIBLE_HOME": str(directory),
             "ANSIBLE_HOST_KEY_CHECKING": "True"},
        capture_output=True,
        text=True,
        timeout=timeouts.PLAYBOOK_S,
        check=False,
    )  # fmt: skip
    start = done.stdout.find("{")
    if start < 0:
        raise AssertionError(f"ansible-playbook gave no report:\n{done.stdout}\n{done.stderr}")
    report = json.loads(done.stdout[start:])
    return Recap(report["stats"][name], list(_unexpected(report, name)))


def _unexpected(report: Any, name: str) -> list[str]:
    """One text for each task, or item of a loop, that would change something or failed."""
    texts = []
    for play in report["plays"]:
        for task in play["tasks"]:
            result = task["hosts"].get(name, {})
            texts += [
                f"{task['task']['name']}{_item(part)}\n{_detail(part)}"
                for part in result.get("results") or [result]
                if part.get("changed") or part.get("failed") or part.get("unreachable")
            ]
    return texts


def _item(result: Any) -> str:
    label = result.get("_ansible_item_label", result.get("item"))
    return f" [{label}]" if label is not None else ""


def _detail(result: Any) -> str:
    """What would change, as a unified diff where Ansible gives both sides."""
    lines = [str(result[key]) for key in ("msg", "stderr") if result.get(key)]
    differences = result.get("diff") or []
    for difference in [differences] if isinstance(differences, dict) else differences:
        before, after = (_lines(difference.get(side)) for side in ("before", "after"))
        lines += difflib.unified_diff(before, after, "on the host", "in the roles", lineterm="")
    return "\n".join(lines)


def _lines(side: Any) -> list[str]:
    text = side if isinstance(side, str) else json.dumps(side, indent=1, sort_keys=True)
    return text.splitlines()
