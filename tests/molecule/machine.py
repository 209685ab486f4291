# SPDX-License-Identifier: Apache-2.0
"""Boots and ends the machines of a scenario, and tells Molecule how to reach them.

Molecule's default driver leaves that to the playbooks create.yml and destroy.yml, which call this.
"""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from builder.errors import BuildError
from builder.host_disk import SUITES
from builder.host_guest import HostGuest, HostSpec, specification
from builder.paths import Paths

from tests.support import milestones, timeouts


def create(paths: Paths, spec: HostSpec, instances: Path) -> None:
    """Boot a machine that has never booted, wait for its ssh, and write down how to reach it."""
    guest = _running(paths, spec)
    try:
        guest.wait_until_up(timeouts.BOOT_S)
    except BuildError:
        keep_console(guest)
        guest.remove()
        raise
    _write(instances, [*_others(instances, spec.name), reached(guest)])


def destroy(paths: Paths, name: str, instances: Path) -> None:
    """End a machine and remove its disk; its console stays in ``build/test-logs``."""
    guest = HostGuest(paths, name)
    keep_console(guest)
    guest.remove()
    _write(instances, _others(instances, name))


def reached(guest: HostGuest) -> dict[str, Any]:
    """Return an entry of Molecule's instance configuration."""
    return {
        "instance": guest.directory.name,
        "address": "127.0.0.1",
        "port": guest.state["ssh_port"],
        "user": guest.user,
        "identity_file": str(guest.paths.keys / "ssh"),
    }


def keep_console(guest: HostGuest) -> None:
    """Copy what the console has shown, after what earlier machines of that name have shown."""
    folder = guest.paths.build / "test-logs"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{guest.directory.name}.serial.log").open("a") as log:
        log.write(guest.serial_text())


def _running(paths: Paths, spec: HostSpec) -> HostGuest:
    """Start a machine; once more when the emulator stopped before the kernel's first line.

    That happens now and then without KVM when two processors come up (tests/README.md).
    """
    guest = HostGuest.start_host(spec, paths)
    try:
        guest.wait_for_serial(milestones.KERNEL_RUNS, timeouts.FIRST_SIGN_S)
    except BuildError:
        stuck = guest.pid is not None and guest.state.get("accelerator") != "kvm"
        keep_console(guest)
        guest.remove()
        if not stuck:
            raise
        print(f"NOTE {spec.name}: the emulator stopped before the kernel; it was started again")
        guest = HostGuest.start_host(spec, paths)
    return guest


def _others(instances: Path, name: str) -> list[dict[str, Any]]:
    text = instances.read_text() if instances.exists() else ""
    return [entry for entry in yaml.safe_load(text) or [] if entry["instance"] != name]


def _write(instances: Path, entries: list[dict[str, Any]]) -> None:
    instances.parent.mkdir(parents=True, exist_ok=True)
    new = instances.with_suffix(".new")
    new.write_text(yaml.safe_dump(entries))
    new.replace(instances)


def main(words: Sequence[str]) -> int:
    """Do what is asked for; exit status 1 with a sentence and a hint when it fails."""
    parser = argparse.ArgumentParser(prog="machine", description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["create", "destroy"])
    parser.add_argument("name")
    parser.add_argument("--suite", choices=SUITES, default=SUITES[0])
    parser.add_argument("--secure-boot", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--instances", type=Path, required=True)
    asked = parser.parse_args(words)
    paths = Paths.find()
    try:
        if asked.action == "destroy":
            destroy(paths, asked.name, asked.instances)
        else:
            spec = specification(asked.name, asked.suite, secure_boot=asked.secure_boot)
            create(paths, spec, asked.instances)
    except BuildError as error:
        print(f"{error.message} {error.hint}".strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
    sys.exit(130)
