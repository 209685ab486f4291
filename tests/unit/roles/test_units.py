# SPDX-License-Identifier: Apache-2.0
"""The units as the role writes them: valid, without a cycle, locked down."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from codex_agent.update.exits import Exit
from codex_agent.update.known import TRANSFERS
from tests.support.playbook import PROGRAM
from tests.unit.roles.apply import ROLES, TIMEOUT_S, have, needs_ansible

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    needs_ansible,
    pytest.mark.skipif(not have("systemd-analyze"), reason="systemd-analyze is not there"),
]

ROLE = ROLES / "codex_agent"
UNITS = "usr/lib/systemd/system"
SERVICES = sorted(
    path.name.removesuffix(".j2") for path in ROLE.glob("templates/units/*.service.j2")
)
# Exposure as systemd counts it, in tenths. The promise is 2.0, but for the probes, which open
# devices and give an operator's programs an account of their own.
LIMITS = {"codex-agent.service": 8, "codex-health.service": 19, "codex-probes.service": 26,
          "codex-provision.service": 16, "codex-verity-state.service": 13,
          "codex-update-status.service": 14}  # fmt: skip
# What writes a whole version, and runs the operator's commands around a restart, is root: what it
# still does without is listed here, and who may start it is what protects the host.
POWERFUL = {"codex-update.service": 70, "codex-update-request@.service": 70}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with systemd's own units and those of the role, written and enabled as on a host."""
    folder = tmp_path_factory.mktemp("units")
    tree = folder / "root"
    for name in ("etc", "usr/bin", "usr/lib/codex", UNITS):
        (tree / name).mkdir(parents=True)
    subprocess.run(["cp", "-a", f"/{UNITS}/.", str(tree / UNITS)], check=True)
    for program in ("usr/bin/codex", "usr/lib/codex/read-verity"):
        (tree / program).write_text("#!/bin/sh\n")
        (tree / program).chmod(0o755)
    play = [{
        "hosts": "localhost", "connection": "local", "gather_facts": False,
        "vars_files": [str(ROLE / path) for path in
                       ("defaults/main.yml", "vars/main.yml", "vars/debian-13.yml")],
        "tasks": [
            {"ansible.builtin.template": {"src": f"{ROLE}/templates/units/{{{{ item }}}}.j2",
                                          "dest": f"{tree}/{UNITS}/{{{{ item }}}}"},
             "loop": "{{ __codex_agent_units }}"},
            {"ansible.builtin.template": {
                "src": f"{ROLE}/templates/units/boot-complete.conf.j2",
                "dest": f"{tree}/{UNITS}/boot-complete.target.d/10-codex-health.conf"}},
            {"ansible.builtin.command": f"systemctl --root={tree} enable {{{{ item }}}}",
             "loop": "{{ __codex_agent_units_enabled }}"},
        ],
    }]  # fmt: skip
    (tree / UNITS / "boot-complete.target.d").mkdir()
    # As the image does it: every boot wants a verdict.
    (tree / UNITS / "multi-user.target.d").mkdir()
    (tree / UNITS / "multi-user.target.d/verdict.conf").write_text(
        "[Unit]\nWants=boot-complete.target\n"
    )
    (folder / "play.yml").write_text(json.dumps(play))
    done = subprocess.run(
        [PROGRAM, "--inventory", "localhost,", str(folder / "play.yml")],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder),
             "ANSIBLE_HOME": str(folder), "ANSIBLE_NOCOLOR": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return tree


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_every_unit_file_is_installed() -> None:
    listed = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__codex_agent_units"]
    written = {path.name.removesuffix(".j2") for path in ROLE.glob("templates/units/*.j2")}
    assert set(listed) == written - {"boot-complete.conf"}
    assert set(SERVICES) == {*LIMITS, *POWERFUL}


@pytest.mark.parametrize("service", sorted(LIMITS))
def test_services_are_locked_down(root: Path, service: str) -> None:
    arguments = ["security", "--offline=true", f"--root={root}", "--no-pager"]
    done = analyze(*arguments, f"--threshold={LIMITS[service]}", service)
    assert done.returncode == 0, done.stdout[-300:]
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert exposure is not None
    assert float(exposure[1]) * 10 <= (26 if service == "codex-probes.service" else 20)


@pytest.mark.parametrize("service", sorted(POWERFUL))
def test_what_updates_has_no_more_than_it_needs(root: Path, service: str) -> None:
    arguments = ["security", "--offline=true", f"--root={root}", "--no-pager"]
    done = analyze(*arguments, f"--threshold={POWERFUL[service]}", service)
    assert done.returncode == 0, done.stdout[-300:]
    unit = (root / UNITS / service).read_text()
    # Under these an update could not be written, or the boot loader not be told.
    for promise in ("ProtectKernelTunables=yes", "PrivateDevices=yes", "PrivateNetwork=yes",
                    "ProtectSystem=", "ProtectClock=yes", "DevicePolicy="):  # fmt: skip
        assert promise not in unit
    assert "CAP_SYS_MODULE" in unit


def test_both_ways_of_updating_are_confined_alike(root: Path) -> None:
    texts = [(root / UNITS / service).read_text() for service in sorted(POWERFUL)]
    first, second = (text.partition("# Root, with what an update needs")[2] for text in texts)
    assert first == second != ""


@pytest.mark.parametrize("service", sorted(POWERFUL))
def test_no_update_begins_before_the_start_is_settled(root: Path, service: str) -> None:
    """It would keep the lock, and the firmware would have nothing to fall back to."""
    unit = (root / UNITS / service).read_text()
    (after,) = re.findall("^After=(.+)$", unit, re.MULTILINE)
    assert "codex-update-settle.service" in after.split()


def test_only_the_agent_may_knock(root: Path) -> None:
    socket = (root / UNITS / "codex-update-request.socket").read_text().splitlines()
    for promise in ("SocketMode=0660", "SocketGroup=codex-update", "Accept=yes",
                    "ListenStream=/run/codex-update.sock"):  # fmt: skip
        assert promise in socket
    members = [
        path.name for path in sorted((root / UNITS).glob("codex-*"))
        if path.is_file() and "SupplementaryGroups=codex-update" in path.read_text()
    ]  # fmt: skip
    assert members == ["codex-agent.service"]
    accounts = (ROLE / "files/sysusers.conf").read_text()
    assert re.search("^g codex-update -$", accounts, re.MULTILINE)


@pytest.mark.parametrize("unit", [
    "codex-update.service", "codex-update.timer", "codex-update-request.socket",
    "codex-update-status.service",
])  # fmt: skip
def test_updates_are_for_images_only(root: Path, unit: str) -> None:
    text = (root / UNITS / unit).read_text()
    assert f"ConditionPathExists={TRANSFERS}\n" in text


def test_ends_that_are_no_failure_are_those_of_the_table(root: Path) -> None:
    def good(service: str) -> set[int]:
        text = (root / UNITS / service).read_text()
        found = re.search("^SuccessExitStatus=(.+)$", text, re.MULTILINE)
        assert found is not None
        return {int(word) for word in found[1].split()}

    assert good("codex-update.service") == {
        Exit.OLDER, Exit.NOT_BLESSED, Exit.BAD_VERSION, Exit.UNREACHABLE, Exit.BUSY
    }  # fmt: skip
    # Only root can be told that it is not root.
    refusals = {int(e) for e in Exit} - {Exit.DONE, Exit.OFFERED, Exit.DENIED}
    assert good("codex-update-request@.service") == refusals


def test_systemd_finds_no_fault_and_no_cycle(root: Path) -> None:
    """Ordering cycles end in a job that systemd drops, and then the boot has no verdict."""
    listed = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__codex_agent_units"]
    done = analyze("verify", "--man=no", f"--root={root}", *listed, "multi-user.target")
    said = [text for text in done.stderr.splitlines() if "codex" in text or "cycle" in text]
    assert said == []


def test_without_its_order_the_verdict_would_be_part_of_a_cycle(root: Path, tmp_path: Path) -> None:
    """Shows that the test above can fail."""
    broken = tmp_path / "root"
    subprocess.run(["cp", "-a", str(root), str(broken)], check=True)
    (broken / UNITS / "boot-complete.target.d/10-codex-health.conf").unlink()
    done = analyze("verify", "--man=no", f"--root={broken}", "multi-user.target")
    assert "ordering cycle" in done.stderr


def test_the_agent_cannot_call_out(root: Path) -> None:
    unit = (root / UNITS / "codex-agent.service").read_text().splitlines()
    for promise in ("PrivateNetwork=yes", "IPAddressDeny=any", "RestrictAddressFamilies=AF_UNIX",
                    "DynamicUser=yes", "CapabilityBoundingSet=", "Type=notify"):  # fmt: skip
        assert promise in unit


@pytest.mark.parametrize("service", SERVICES)
def test_no_start_is_cut_short_on_a_slow_machine(root: Path, service: str) -> None:
    unit = (root / UNITS / service).read_text()
    limit = re.search(r"^TimeoutStartSec=(?:([0-9]+)min|infinity)$", unit, re.MULTILINE)
    assert limit is not None
    assert limit[1] is None or int(limit[1]) >= 2


@pytest.mark.parametrize("service", ["codex-agent.service", "codex-health.service"])
def test_the_verdict_can_look_for_modules_that_are_not_loaded(root: Path, service: str) -> None:
    """A sandbox that hides them would leave the verdict open; loading one stays impossible."""
    unit = (root / UNITS / service).read_text().splitlines()
    assert "ProtectKernelModules=yes" not in unit
    assert "ProcSubset=pid" not in unit
    assert "CapabilityBoundingSet=" in unit
    assert "SystemCallFilter=@system-service" in unit
