# SPDX-License-Identifier: Apache-2.0
"""A kernel for which a driver could not be compiled: the host runs the one before, and says why."""

import json
from typing import Any

import pytest
from testinfra.host import Host

from tests.molecule import left
from tests.molecule.apply import apply

pytestmark = pytest.mark.guest

STATE = "/var/lib/codex-kernel-guard/state.json"
DRIVER = "codex_stand_in"


@pytest.fixture(scope="module")
def upgrade() -> Any:
    """How the installation of the newer kernel went, written down by side_effect.yml."""
    return json.loads((left.folder() / "upgrade.json").read_text())


@pytest.fixture(scope="module")
def state(host: Host) -> Any:
    return json.loads(host.check_output("cat %s", STATE))


def test_there_was_a_newer_kernel_to_start(host: Host, upgrade: Any) -> None:
    """The control: without it the host would have had no choice."""
    assert upgrade["newer"] != upgrade["running"]
    assert host.file(f"/boot/vmlinuz-{upgrade['newer']}").exists
    menu = host.check_output("cat /boot/grub/grub.cfg")
    assert upgrade["newer"] in menu


def test_installation_failed_loudly(upgrade: Any) -> None:
    assert int(upgrade["status"]) != 0
    assert "codex-kernel-guard:" in upgrade["output"]
    assert upgrade["newer"] in upgrade["output"]


def test_the_kernel_before_runs(host: Host, upgrade: Any) -> None:
    assert host.check_output("uname -r") == upgrade["running"]


def test_driver_works_on_it(host: Host) -> None:
    host.check_output("modprobe %s", DRIVER)
    assert host.check_output("cat /sys/module/%s/initstate", DRIVER) == "live"


def test_our_own_modules_work_on_it(host: Host) -> None:
    if host.run("dpkg-query --show codex-kernel-dkms").rc != 0:
        pytest.skip("roles/kernel_modules: this release has no kernel for them")
    assert host.check_output("head -n 1 /proc/ai_memory")


def test_reason_is_kept(state: Any, upgrade: Any) -> None:
    assert (state["verdict"], state["default"]) == ("held", upgrade["running"])
    [newer] = [kernel for kernel in state["kernels"] if kernel["release"] == upgrade["newer"]]
    assert newer["ready"] is False
    assert any("stand-in" in reason or "stand_in" in reason for reason in newer["reasons"])


def test_reason_is_told_to_who_asks(host: Host, upgrade: Any) -> None:
    done = host.run("codex-kernel-guard status")
    assert done.rc == 1
    assert upgrade["newer"] in done.stdout
    assert "stand" in done.stdout


def test_agent_answers_and_nothing_else_failed(host: Host) -> None:
    done = host.run("codex status --json")
    assert json.loads(done.stdout)["verdict"]["state"] in {"healthy", "degraded"}
    assert json.loads(done.stdout)["units"]["failed"] == []


def test_upgrade_ends_with_the_reason(host: Host, upgrade: Any) -> None:
    """It tries to bring the kernel's package to its end, and the driver stands in the way."""
    outcome = apply("playbooks/upgrade.yml")
    assert outcome.status != 0
    assert "was not upgraded to the end" in outcome.sentence
    assert upgrade["newer"] in outcome.sentence
    assert host.check_output("uname -r") == upgrade["running"]
