# SPDX-License-Identifier: Apache-2.0
"""A version of each broken kind, installed beside a good one: the good one comes back by itself.

Each is given one try, three of them in the first: what one try does, three do three times. Time
limits of the start are shortened in the versions that hang, by drop-ins that are sealed into them.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import cpio, milestones, timeouts
from tests.support.machine import DidNotBootError
from tests.support.versions import broken, edits
from tests.support.versions.install import install
from tests.support.versions.kind import SILENT
from tests.support.versions.not_starting import file_member
from tests.updates.conftest import status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.attack_table import Table
    from tests.support.machine import Machine
    from tests.support.versions.kind import Broken
    from tests.support.versions.lab import Lab
    from tests.updates.conftest import Updated

pytestmark = pytest.mark.guest
#: One start that does not end well: the longest is a hang that only the watchdog ends.
TRY_S = 900 * timeouts.SCALE
NOT_LOADED = "the boot loader could not start its file, and the firmware fell back"
_SOON = "[Unit]\nJobTimeoutSec=90s\n"


def hang_boot(_lab: Lab) -> Broken:
    kind = broken.hang_boot()
    change = replace(
        kind.change, edits=[*kind.change.edits, edits.dropin("multi-user.target", _SOON)]
    )
    return replace(kind, change=change, said="The start did not end; it waited for codex-test-hang")


def hang_initrd(_lab: Lab) -> Broken:
    kind = broken.hang_initrd()
    soon = file_member("etc/systemd/system/initrd.target.d/90-test.conf", _SOON)
    change = replace(kind.change, initrd_extra=[*kind.change.initrd_extra, cpio.archive([soon])])
    return replace(
        kind, change=change, said="the initrd did not end; it waited for codex-test-hang"
    )


_NOT_OPENED = r"systemd-veritysetup@root\.service failed: "


def root_not_found(_lab: Lab) -> Broken:
    return replace(broken.root_not_found(), said=f"{_NOT_OPENED}codex-test: there is no root")


def wrong_verity_signature(lab: Lab) -> Broken:
    """It is loaded; the kernel refuses its root, which the initrd says."""
    kind = broken.wrong_verity_signature(lab.foreign())
    return replace(kind, ends="resets", said=_NOT_OPENED)


KINDS: dict[str, Callable[[Lab], Broken]] = {
    "panic": lambda _: broken.panic(),
    "failing-agent": lambda _: broken.failing_agent(),
    "hang-boot": hang_boot,
    "failing-gpu-probe": lambda _: broken.failing_gpu_probe(),
    "wrong-uki-signature": lambda lab: broken.wrong_uki_signature(lab.foreign()),
    "root-not-found": root_not_found,
    "hang-initrd": hang_initrd,
    "no-verdict": lambda _: broken.no_verdict(),
    "hang-hard": lambda _: broken.hang_hard(),
    "crash-pid1": lambda _: broken.crash_pid1(),
    "failing-module-corrupt": lambda _: broken.failing_module("corrupt"),
    "failing-module-unsigned": lambda _: broken.failing_module("unsigned"),
    "failing-module-foreign": lambda lab: broken.failing_module("foreign", foreign=lab.foreign()),
    "failing-agent-crash": lambda _: broken.failing_agent_crash(),
    "hanging-gpu-probe": lambda _: broken.failing_gpu_probe(hang=True),
    "lost-gpu-driver": lambda _: broken.lost_gpu_driver(),
    "failing-probe": lambda _: broken.failing_probe(),
    "hanging-probe": lambda _: broken.failing_probe(hang=True),
    "wrong-verity-signature": wrong_verity_signature,
    "unsigned-uki": lambda _: broken.wrong_uki_signature(None),
    "flipped-uki": lambda _: broken.flipped_uki(),
    "flipped-root": lambda _: broken.flipped_root(),
    "full-disk": lambda _: broken.full_disk(),
    "full-disk-stays": lambda _: broken.full_disk(stays=True),
}
#: What CI tries; `make test-boot` tries all.
FEW = ("panic",)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        every = metafunc.config.getoption("--all-attacks")
        metafunc.parametrize("kind", list(KINDS) if every else FEW)


def come_back(machine: Machine, version: str, most: int, state: str = "healthy") -> tuple[int, str]:
    """Start a machine until a version has its verdict; return the starts, and how they ended."""
    ends: list[str] = []
    for number in range(1, most + 1):
        machine.on()
        try:
            verdict = machine.verdict(TRY_S)
        except DidNotBootError:
            assert machine.guest.pid is None, f"start {number} hangs:\n{machine.console()[-3000:]}"
            machine.restarted(1)
            ends.append("ended without a verdict")
            continue
        if milestones.facts(verdict)["version"] == version:
            assert verdict["state"] == state, verdict[0]
            return number, ", ".join(ends)
        ends.append(f"judged {verdict['state']}")
        machine.restarted(TRY_S)
    raise AssertionError(f"{version} did not come back in {most} starts: {ends}")


def told(machine: Machine) -> dict[str, Any]:
    """What the running version says of the others: by `codex status` and `codex update status`."""
    done = machine.run("codex status --json")
    host = json.loads(done.stdout)
    found: dict[str, Any] = {given["version"]: given for given in host["given_up"] or []}
    return {"given_up": found, "bad": status(machine)["bad"]}


def test_the_good_version_comes_back(
    kind: str, machine: Machine, updated: Updated, table: Table
) -> None:
    lab = updated.lab
    found = KINDS[kind](lab)
    made = lab.make(found.name, lab.third, found.change)
    tries = 3 if kind == FEW[0] else 1
    install(machine.disk, made, lab.first, tries)
    lab.forget(found.name)
    # A disk that stays full is that of the good version as well.
    state = "degraded" if kind == "full-disk-stays" else "healthy"
    starts, ends = come_back(machine, lab.second, tries + 2, state)
    if found.ends == "refused" and starts == 1:
        # The firmware refused the file, and fell back in the same start.
        machine.restart()
        more, ends = come_back(machine, lab.second, tries + 1)
        starts += more
    said = told(machine)
    words = json.dumps(said["given_up"].get(lab.third)) + json.dumps(said["bad"].get(lab.third))
    wanted = rf"{SILENT}|{NOT_LOADED}" if found.ends == "refused" else found.said
    assert re.search(wanted, words), f"{wanted!r} is not in {words}"
    reason = said["bad"].get(lab.third) or words
    table.add(found.name, found.what, f"{lab.second} came back after {starts - 1} starts ({ends})",
              f"{lab.third}: {reason}")  # fmt: skip
