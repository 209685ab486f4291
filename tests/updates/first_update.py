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
    folder = Paths.find().build / "test-disks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    machine = Machine("upd-first", lab.source.artefacts.disk)
    machine.forget()
    try:
        return _update(machine, lab, table, folder)
    finally:
        machine.forget()


def _update(machine: Machine, lab: Lab, table: Table, folder: Path) -> Updated:
    machine.on()
    assert machine.verdict()["state"] == "healthy"
    machine.output(f"echo kept > {MARKER}; sync")
    machine.restart()
    before = machine.raw(folder / "before.raw")
    machine.logs_writes = True
    with serving(lab.offers) as server:
        machine.on()
        assert machine.verdict()["state"] == "healthy"
        configure(machine, server.guest_url)
        marks = {"begin": machine.writes.stat().st_size}
        done = machine.run("codex update apply", UPDATE_S)
        assert done.returncode == 0, done.stdout + done.stderr
        marks["written"] = machine.writes.stat().st_size
        fetched = sum(server.sent.values())
    found = status(machine)
    assert found["progress"]["stage"] == "written", found
    machine.restart()
    log = machine.writes.rename(folder / "update.log")
    after = machine.raw(folder / "after.raw")
    started = time.monotonic()
    machine.on()
    verdict = machine.verdict()
    assert verdict["state"] == "healthy"
    machine.output("systemctl is-active boot-complete.target")
    _wait_blessed(machine)
    facts = status(machine)
    facts["seconds_to_verdict"] = round(time.monotonic() - started)
    machine.output("sync")
    machine.restart()
    trial = machine.writes.rename(folder / "trial.log")
    disk = machine.raw(folder / "updated.raw")
    variables = folder / "updated.vars"
    shutil.copyfile(machine.folder / "vars.fd", variables)
    table.add("update", "version 1 to version 2 over http, Secure Boot on", "blessed",
              json.dumps(facts["versions"]))  # fmt: skip
    return Updated(lab, disk, variables, before, log, marks, after, trial, fetched, facts)


def _wait_blessed(machine: Machine) -> None:
    deadline = time.monotonic() + timeouts.CHANGE_S
    while status(machine)["boot"] != "blessed":
        assert time.monotonic() < deadline, "the version was not blessed"
        time.sleep(2)
