# SPDX-License-Identifier: Apache-2.0
"""The update that all others begin with: version 1 to version 2, found good under Secure Boot."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

from builder.paths import Paths

from tests.support import timeouts
from tests.support.machine import Machine
from tests.support.versions.server import serving
from tests.support.workers import mine
from tests.updates.conftest import Updated, status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.attack_table import Table
    from tests.support.versions.lab import Lab

MARKER = "/var/lib/codex/codex-test-marker"
UPDATE_S = 1800 * timeouts.SCALE


def configure(machine: Machine, source: str) -> None:
    """Give a host the source of its updates, as an operator does."""
    text = f'[update]\\nallow_http = true\\nsource = \\"{source}\\"\\n'
    machine.output(f'mkdir -p /etc/codex && printf "{text}" > /etc/codex/update.toml')


def update(lab: Lab, table: Table) -> Updated:
    """Do it, and keep what the attacks need: disks of before and after, and all writes between."""
    folder = Paths.find().build / mine("test-disks")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    machine = Machine("upd-first", lab.source.artefacts.disk)
    machine.forget()
    try:
        return _update(machine, lab, table, folder)
    finally:
        machine.forget()


def _update(machine: Machine, lab: Lab, table: Table, folder: Path) -> Updated:
    machine.logs_writes = True
    for last in (False, True):
        before = machine.raw(folder / "before.raw")
        machine.on()
        if machine.lives():
            break
        assert not last, "no sign of a kernel in two starts"
    assert machine.verdict()["state"] == "healthy"
    machine.output(f"echo kept > {MARKER}; sync")
    with serving(lab.offers) as server:
        configure(machine, server.guest_url)
        marks = {"begin": machine.writes.stat().st_size}
        started = time.monotonic()
        done = machine.run("codex update apply", UPDATE_S)
        assert done.returncode == 0, done.stdout + done.stderr
        applied = time.monotonic() - started
        marks["written"] = machine.writes.stat().st_size
        fetched = dict(server.sent)
    found = status(machine)
    assert found["progress"]["stage"] == "written", found
    machine.restart()
    log = machine.writes.rename(folder / "update.log")
    after = machine.raw(folder / "after.raw")
    machine.on()
    verdict = machine.verdict()
    assert verdict["state"] == "healthy"
    machine.output("systemctl is-active boot-complete.target")
    _wait_blessed(machine)
    blessed = time.monotonic() - started
    facts = status(machine)
    machine.output("sync")
    machine.restart()
    trial = machine.writes.rename(folder / "trial.log")
    disk = machine.raw(folder / "updated.raw")
    variables = folder / "updated.vars"
    shutil.copyfile(machine.folder / "vars.fd", variables)
    figures = figures_of(lab, fetched, applied, blessed)
    table.figures.update(figures)
    table.add("update", "version 1 to version 2 over http, Secure Boot on", "blessed",
              json.dumps(figures))  # fmt: skip
    return Updated(lab, disk, variables, before, log, marks, after, trial, figures, facts)


def figures_of(
    lab: Lab, fetched: dict[str, int], applied_s: float, blessed_s: float
) -> dict[str, float]:
    """Return what the update cost: bytes that were moved, seconds from `apply` on."""
    made = lab.made["second"]
    root, uki = made.root.stat().st_size, made.uki.stat().st_size
    moved = sum(fetched.values())
    chunks = sum(size for name, size in fetched.items() if name.startswith("store/"))
    return {
        "root_bytes": root,
        "uki_bytes": uki,
        "moved_bytes": moved,
        "moved_chunks_bytes": chunks,
        "moved_of_root_percent": round(100 * chunks / root, 2),
        "apply_s": round(applied_s, 1),
        "apply_to_blessed_s": round(blessed_s, 1),
    }


def _wait_blessed(machine: Machine) -> None:
    deadline = time.monotonic() + timeouts.CHANGE_S
    while status(machine)["boot"] != "blessed":
        assert time.monotonic() < deadline, "the version was not blessed"
        time.sleep(2)
