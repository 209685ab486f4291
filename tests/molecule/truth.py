# SPDX-License-Identifier: Apache-2.0
"""Compares what a dry run announced with what the run after it changed, task by task."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.molecule.left import Run, Told

DECLARED = Path(__file__).with_name("announced.toml")
SAYS = "ansible.builtin.debug"


@dataclass(frozen=True)
class Allowance:
    """A task that a dry run cannot tell the truth of: ``kind`` is ``silent`` or ``loud``.

    ``silent``: changes without announcement. ``loud``: announces and then does not change.
    """

    kind: str
    path: str
    task: str
    why: str

    def covers(self, kind: str, told: Told) -> bool:
        """Whether this is the exception of a task."""
        return (
            kind == self.kind
            and re.fullmatch(self.path, told.path) is not None
            and re.fullmatch(self.task, told.task) is not None
        )


@dataclass(frozen=True)
class Untruth:
    """A task of which the dry run said something else than the run did."""

    kind: str
    told: Told

    def __str__(self) -> str:
        what = {"silent": "changed without being announced", "loud": "announced, and not changed"}
        item = f" [{self.told.item}]" if self.told.item else ""
        return f"{self.told.path}: {self.told.task}{item}: {what[self.kind]}"


def declared(path: Path = DECLARED) -> list[Allowance]:
    """Read the exceptions; ValueError for one without a reason or of an unknown kind."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    found = [Allowance(**entry) for entry in table.get("exception", [])]
    for entry in found:
        if entry.kind not in {"silent", "loud"} or len(entry.why) < 10:
            raise ValueError(f"{entry.path}: {entry.task} is no exception: {entry.kind}")
    return found


def untruths(check: Run, run: Run) -> list[Untruth]:
    """Return every task of which the dry run and the run say different things.

    Handlers are left out: a dry run tells of what notifies them, and does not run them. Where a
    task cannot say beforehand what it will do, a debug task of the same file may say it for it: one
    for each such task.
    """
    announced, done = _changed(check), _changed(run)
    silent = [Untruth("silent", done[name]) for name in done.keys() - announced.keys()]
    # A folder that several roles need is announced by each, and made by the first.
    made = {told.item for told in done.values() if told.item}
    loud = [
        Untruth("loud", told)
        for name, told in announced.items()
        if name not in done and told.item not in made
    ]
    for spokesman in [entry for entry in loud if entry.told.action == SAYS]:
        skipped = [entry for entry in silent if entry.told.path == spokesman.told.path]
        if skipped:
            loud.remove(spokesman)
            silent.remove(min(skipped, key=str))
    return sorted(silent + loud, key=str)


def undeclared(found: Sequence[Untruth], exceptions: Iterable[Allowance]) -> list[Untruth]:
    """Return those of which nobody has said why."""
    allowed = list(exceptions)
    return [u for u in found if not any(entry.covers(u.kind, u.told) for entry in allowed)]


def _changed(run: Run) -> dict[tuple[str, str, str], Told]:
    return {told.identity: told for told in run.changed if not told.handler}
