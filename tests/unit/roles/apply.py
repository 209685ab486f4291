# SPDX-License-Identifier: Apache-2.0
"""Runs the playbook of the repository, as a whole or against trees that are nearly nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.playbook import COLLECTIONS, CONTROLLER, PROGRAM, REPOSITORY

ROLES = REPOSITORY / "roles"
TIMEOUT_S = 600  # many checks run at once on few processors

needs_ansible = pytest.mark.skipif(
    not Path(PROGRAM).exists(), reason=f"{PROGRAM} is not there; `make check` runs where it is"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a tree is entered by chroot(2)")

# Bind mounts in a mount namespace of its own: nothing of it is left when the command ends.
_ENTER = """
set -e
for tree in "$TREES"/*; do
    mount --bind /usr "$tree/usr"
    mount -o remount,bind,ro "$tree/usr"
    mount -t proc proc "$tree/proc"
    mount --bind /dev "$tree/dev"
done
exec "$@"
"""


@dataclass(frozen=True)
class Case:
    """A system that the playbook is applied to: what it calls itself, and its variables."""

    os_release: str
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """Ansible's counters for one tree, the failed task's sentence, and whether a file changed."""

    counters: dict[str, int]
    message: str
    untouched: bool


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment in which Ansible writes below ``home`` only."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(home),
            "ANSIBLE_HOME": str(home), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS, **more}  # fmt: skip


def ansible(
    home: Path, *arguments: str, playbook: str = "site"
) -> subprocess.CompletedProcess[str]:
    """Run an operator's ansible-playbook; ``home`` takes everything that Ansible writes."""
    return subprocess.run(
        [CONTROLLER, *arguments, f"playbooks/{playbook}.yml"],
        cwd=REPOSITORY,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def bare_tree(tree: Path, os_release: str) -> None:
    """Make the outline of a Debian system: its name, an empty package database, nothing besides."""
    for name in ("usr", "proc", "dev", "run", "tmp", "etc", "root", "var/tmp"):
        (tree / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / name).symlink_to(f"usr/{name}")
    (tree / "etc/os-release").write_text(os_release)
    (tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tree / "etc/group").write_text("root:x:0:\n")
    for name in ("info", "updates"):
        (tree / "var/lib/dpkg" / name).mkdir(parents=True)
    (tree / "var/lib/dpkg/status").touch()


def listing(tree: Path) -> dict[str, str]:
    """Return the content of all files and targets of all links of a tree, without /var/tmp."""
    return {
        str(path.relative_to(tree)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes().hex()
        if path.is_file()
        else "directory"
        for path in tree.rglob("*")
        if not path.is_relative_to(tree / "var/tmp")
    }


def apply(
    folder: Path, cases: dict[str, Case], tags: str, machine: str | None = None
) -> dict[str, Outcome]:
    """Apply the playbook to a tree for each case, all in one run, as the image build does.

    ``machine`` is what uname shows instead of the true architecture.
    """
    trees = folder / "trees"
    hosts = {}
    for name, case in cases.items():
        bare_tree(trees / name, case.os_release)
        hosts[name] = {"ansible_host": str(trees / name), **case.variables}
    before = {name: listing(trees / name) for name in cases}
    given = json.loads(json.dumps(hosts))
    for variables in given.values():
        variables["ansible_connection"] = "community.general.chroot"
        variables["ansible_remote_tmp"] = "/var/tmp/ansible"
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"image": {"hosts": given}}))
    prefix = ["setarch", machine] if machine else []
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", _ENTER, "sh", *prefix, PROGRAM,
         "--inventory", str(inventory), "--tags", tags, "playbooks/site.yml"],
        cwd=REPOSITORY,
        env=environment(folder, TREES=str(trees), ANSIBLE_STDOUT_CALLBACK="ansible.posix.json"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )  # fmt: skip
    start = done.stdout.find("{")
    assert start >= 0, done.stdout + done.stderr
    report = json.loads(done.stdout[start:])
    return {
        name: Outcome(
            report["stats"][name],
            _sentence(report, name),
            listing(trees / name) == before[name],
        )
        for name in cases
    }


def _sentence(report: Any, name: str) -> str:
    for play in report["plays"]:
        for task in play["tasks"]:
            result = task["hosts"].get(name, {})
            if result.get("failed"):
                return str(result["msg"])
    return ""


def have(program: str) -> bool:
    """Say whether a program is on this machine."""
    return shutil.which(program) is not None
