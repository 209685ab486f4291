# SPDX-License-Identifier: Apache-2.0
"""Applies the roles to the machine of a scenario from inside a test, where they may fail."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.support import timeouts

ROOT = Path(__file__).parents[2]
#: From nothing to a host, with modules compiled for its kernel, under emulation.
LIMIT_S = 7200 * timeouts.SCALE


@dataclass(frozen=True)
class Outcome:
    """How a run ended: Ansible's status, the words of the tasks that failed, and all it said.

    ``hosts`` are those on which at least one task ran, by their names in the inventory.
    """

    status: int
    failures: tuple[str, ...]
    changed: int
    text: str
    hosts: frozenset[str] = frozenset()

    @property
    def sentence(self) -> str:
        """What a person reads of the failure, on one line."""
        return " ".join(" ".join(self.failures).split())


@dataclass(frozen=True)
class Running:
    """A run that has begun, and the file of what it says."""

    process: subprocess.Popen[str]
    said: IO[str]


def inventory() -> Path:
    """Return the folder that Molecule wrote for the scenario's machine."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "inventory"


def start(
    playbook: str = "playbooks/host.yml",
    variables: dict[str, Any] | None = None,
    more: Path | None = None,
) -> Running:
    """Start a run on the scenario's machine, and on those of another inventory.

    ``finish`` waits for it.
    """
    argv = ["ansible-playbook", "--diff", "--inventory", str(inventory())]
    argv += ["--inventory", str(more)] if more else []
    argv += ["--extra-vars", json.dumps(variables or {}), playbook]
    # The JSON of one callback, so that nothing has to be read out of a picture.
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                   "ANSIBLE_NOCOLOR": "1"}  # fmt: skip
    # A file, for nobody reads while it runs: a pipe would be full, and the run would never end.
    said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - `finish` reads it
    process = subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=said,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return Running(process, said)


def finish(running: Running) -> Outcome:
    """Wait for a run and read its report."""
    process = running.process
    try:
        process.wait(timeout=LIMIT_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    with running.said as said:
        said.seek(0)
        return read(process.returncode, said.read())


def apply(
    playbook: str = "playbooks/host.yml",
    variables: dict[str, Any] | None = None,
    more: Path | None = None,
) -> Outcome:
    """Run a playbook to its end, whatever that is."""
    return finish(start(playbook, variables, more))


def read(status: int, text: str) -> Outcome:
    """Read the JSON report; where there is none, everything that was said is the failure."""
    begin = text.find("{\n")
    try:
        report, _ = json.JSONDecoder().raw_decode(text[begin:]) if begin >= 0 else ({}, 0)
    except ValueError:
        report = {}
    if "plays" not in report:
        return Outcome(status, (text,) if status else (), 0, text)
    failures, changed, hosts = [], 0, set()
    for play in report["plays"]:
        for task in play["tasks"]:
            hosts.update(task["hosts"])
            for result in task["hosts"].values():
                parts = result.get("results") or [result]
                failures += [_words(part) for part in parts if _failed(part)]
                changed += any(part.get("changed") for part in parts)
    return Outcome(status, tuple(failures), changed, text, frozenset(hosts))


def _failed(result: Any) -> bool:
    return bool(result.get("failed") or result.get("unreachable"))


def _words(result: Any) -> str:
    return " ".join(str(result[key]) for key in ("msg", "stderr") if result.get(key))
