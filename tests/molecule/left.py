# SPDX-License-Identifier: Apache-2.0
"""What the runs of a scenario left for its tests, in the folder that ``CODEX_LEFT`` names."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Actions that Ansible does by itself: no way to the host and back.
ON_THE_CONTROLLER = frozenset(
    f"ansible.builtin.{name}"
    for name in (
        *("add_host", "assert", "debug", "fail", "group_by", "import_role", "import_tasks"),
        *("include_role", "include_tasks", "include_vars", "meta", "set_fact"),
        *("set_stats", "validate_argument_spec"),
    )
)


@dataclass(frozen=True)
class Told:
    """A task, or one item of its loop, and what came of it."""

    task: str
    path: str
    item: str
    action: str
    handler: bool
    outcome: str
    changed: bool

    @property
    def identity(self) -> tuple[str, str, str]:
        """By what a dry run and a run are compared: file, name and item of a task."""
        return self.path, self.task, self.item


@dataclass(frozen=True)
class Run:
    """One run of a playbook, as the callback ``told`` has written it down."""

    playbook: str
    check: bool
    wall_s: float
    cpu_s: float
    told: tuple[Told, ...]

    @property
    def changed(self) -> list[Told]:
        """What was changed, or in a dry run announced."""
        return [told for told in self.told if told.changed]

    @property
    def round_trips(self) -> int:
        """How often something was asked of the host: tasks, each item of a loop by itself."""
        asked = {"ok", "failed", "ignored", "unreachable"}
        return sum(t.outcome in asked and t.action not in ON_THE_CONTROLLER for t in self.told)


def folder() -> Path:
    """Where the runs of this scenario leave things; an error outside of `make test-roles`."""
    return Path(os.environ["CODEX_LEFT"])


def runs(place: Path, playbook: str = "converge.yml") -> list[Run]:
    """Return the runs of a playbook in their order."""
    found = [read(path) for path in sorted((place / "told").glob("*.json"))]
    return [run for run in found if run.playbook == playbook]


def read(path: Path) -> Run:
    """Read one file of the callback."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    kept = ("task", "path", "item", "action", "handler", "outcome", "changed")
    told = tuple(Told(**{name: entry[name] for name in kept}) for entry in data["results"])
    return Run(data["playbook"], data["check"], data["wall_s"], data["cpu_s"], told)
