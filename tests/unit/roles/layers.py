# SPDX-License-Identifier: Apache-2.0
"""Applies tasks to a copy of this machine's tree and shows, file by file, what they wrote.

The copy is an overlay in a mount namespace of its own: nothing of this machine is changed, and of
the copy only what was written is left.
"""

from __future__ import annotations

import json
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.playbook import CONTROLLER, REPOSITORY
from tests.unit.roles.apply import TIMEOUT_S, environment

# Memory has to hold the upper layer: an overlay cannot lie on another one. It is kept by copying.
_ENTER = """
set -eu
mount -t tmpfs tmpfs "$WORK"
mkdir "$WORK/upper" "$WORK/work" "$WORK/tree"
cp -a "$KEPT/." "$WORK/upper/"
mount -t overlay overlay -o "lowerdir=/,upperdir=$WORK/upper,workdir=$WORK/work" "$WORK/tree"
for name in proc dev; do mount --rbind "/$name" "$WORK/tree/$name"; done
mount -t tmpfs tmpfs "$WORK/tree/var/tmp"
mount -t tmpfs tmpfs "$WORK/tree/run"
status=0
"$@" || status=$?
umount -l "$WORK/tree"
rm -rf "${KEPT:?}"
cp -a "$WORK/upper" "$KEPT"
exit "$status"
"""


@dataclass(frozen=True)
class Ran:
    """Ansible's counters, the failed task's sentence, the names of tasks that reported a change."""

    counters: dict[str, int]
    message: str
    changed: list[str]


@dataclass
class Layer:
    """A tree above this machine's own; ``upper`` holds what was written to it."""

    folder: Path
    variables: dict[str, Any] = field(default_factory=dict)
    #: Where Ansible looks for roles.
    roles: list[Path] = field(default_factory=lambda: [REPOSITORY / "roles"])
    program: str = CONTROLLER

    def __post_init__(self) -> None:
        self.upper.mkdir(parents=True)
        (self.folder / "work").mkdir()

    @property
    def upper(self) -> Path:
        return self.folder / "upper"

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        place = self.upper / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def add_package(
        self, name: str, status: str = "install ok installed", keeper: str = "x <x@example.org>"
    ) -> None:
        """Enter a package into dpkg's list; of its files none is there."""
        known = Path("/var/lib/dpkg/status").read_text()
        entry = f"\nPackage: {name}\nStatus: {status}\nMaintainer: {keeper}\nArchitecture: all\n"
        if status.endswith("triggers-pending"):
            entry += "Triggers-Pending: something\n"
        self.write("/var/lib/dpkg/status", f"{known}{entry}Version: 1\nDescription: none\n")

    def play(self, tasks: list[Any], *options: str, **variables: Any) -> Ran:
        """Run a play of these tasks against the tree, as the image build enters its own."""
        play = self.folder / "play.yml"
        play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        return self.playbook(play, *options, **variables)

    def playbook(self, playbook: Path, *options: str, **variables: Any) -> Ran:
        """Run a playbook against the tree."""
        host = {
            "ansible_connection": "community.general.chroot",
            "ansible_host": str(self.folder / "work/tree"),
            "ansible_remote_tmp": "/var/tmp/ansible",
            **self.variables,
            **variables,
        }
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": {"tree": host}}}))
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", _ENTER, "sh", self.program, *options,
             "--inventory", str(inventory), str(playbook)],
            cwd=REPOSITORY,
            env=environment(self.folder, WORK=str(self.folder / "work"), KEPT=str(self.upper),
                            ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
                            ANSIBLE_ROLES_PATH=":".join(map(str, self.roles)),
                            # As mkosi-chroot says it to systemctl in an image build.
                            SYSTEMD_OFFLINE="1"),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )  # fmt: skip
        start = done.stdout.find("{")
        assert start >= 0, done.stdout + done.stderr
        return _ran(json.loads(done.stdout[start:]))

    def written(self) -> dict[str, str]:
        """Return what differs from this machine's tree: path, then kind, mode and content."""
        found = {}
        for path in self.upper.rglob("*"):
            name = path.relative_to(self.upper)
            state = _state(path)
            below = Path("/") / name
            if not (below.exists() or below.is_symlink()) or _state(below) != state:
                found[str(name)] = state
        return found

    def text(self, path: str) -> str:
        return (self.upper / path.lstrip("/")).read_text()


def _state(path: Path) -> str:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"-> {path.readlink()}"
    if stat.S_ISCHR(status.st_mode):
        return "removed"
    content = path.read_bytes().hex() if stat.S_ISREG(status.st_mode) else "folder"
    return f"{stat.S_IMODE(status.st_mode):04o} {status.st_uid} {status.st_gid} {content}"


def role(name: str, tasks_from: str = "main") -> dict[str, Any]:
    """Return the task that applies a role, or a part of it."""
    return {
        "ansible.builtin.import_role": {"name": name, "tasks_from": tasks_from},
        "tags": ["always"],
    }


def _ran(report: Any) -> Ran:
    message, changed = "", []
    for play in report["plays"]:
        for task in play["tasks"]:
            result = task["hosts"].get("tree", {})
            if result.get("failed") and not message:
                parts = [p for p in result.get("results", []) if p.get("failed")]
                message = str((parts or [result])[0].get("msg", ""))
                message += str((parts or [result])[0].get("stderr", ""))
            if result.get("changed"):
                changed.append(task["task"]["name"])
    return Ran(report["stats"]["tree"], message, changed)
