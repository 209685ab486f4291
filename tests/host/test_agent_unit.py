# SPDX-License-Identifier: Apache-2.0
"""The agent runs locked down: what systemd promises, and what the kernel shows of it."""

import re

import pytest
from testinfra.host import Host

from tests.support import facts

pytestmark = pytest.mark.guest

UNIT = "codex-agent.service"
EXPOSURE_MAX = 2.0


@pytest.fixture(scope="module")
def pid(host: Host) -> str:
    """Process id of the agent."""
    return facts.unit_properties(host, UNIT, "MainPID")["MainPID"]


@pytest.fixture(scope="module")
def status(host: Host, pid: str) -> dict[str, str]:
    """/proc/PID/status of the agent."""
    return facts.process_status(host, pid)


def test_exposure(host: Host) -> None:
    report = host.check_output("systemd-analyze security --no-pager %s", UNIT)
    level = re.search(r"Overall exposure level for codex-agent\.service: ([\d.]+)", report)
    assert level is not None, report
    assert float(level[1]) <= EXPOSURE_MAX, report


def test_runs_as_an_account_of_its_own(host: Host, status: dict[str, str]) -> None:
    _, _, uid, gid, _, home, shell = host.check_output("getent passwd codex-agent").split(":")
    assert (set(status["Uid"].split()), set(status["Gid"].split())) == ({uid}, {gid})
    assert 0 < int(uid) < 1000
    assert (home, shell) == ("/", "/usr/sbin/nologin")
    assert host.check_output("getent shadow codex-agent").split(":")[1].startswith("!")
    assert host.check_output("getent group codex-agent").split(":")[3] == ""


def test_has_no_capability(status: dict[str, str]) -> None:
    for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[field], 16) == 0, field


def test_cannot_gain_privileges(status: dict[str, str]) -> None:
    assert status["NoNewPrivs"] == "1"


def test_system_calls_are_filtered(status: dict[str, str]) -> None:
    assert status["Seccomp"] == "2"


def test_has_no_network(host: Host, pid: str) -> None:
    own = host.check_output("readlink %s", f"/proc/{pid}/ns/net")
    assert own != host.check_output("readlink /proc/1/ns/net")
    links = host.check_output("nsenter --target %s --net ip -brief link", pid)
    assert [line.split()[0] for line in links.splitlines()] == ["lo"]


def test_sees_a_read_only_system(host: Host, pid: str) -> None:
    mounts = host.check_output("cat %s", f"/proc/{pid}/mountinfo").splitlines()
    options = {line.split()[4]: line.split()[5].split(",") for line in mounts}
    for place in ("/", "/var"):
        if place in options:
            assert "ro" in options[place], place


def test_sees_no_device(host: Host, pid: str) -> None:
    devices = host.check_output("ls %s", f"/proc/{pid}/root/dev").split()
    assert not {"mem", "sda", "vda", "nvme0n1", "kmsg", "mapper", "port"} & set(devices)


def test_its_groups_open_the_door_of_updates_and_repositories(
    host: Host, status: dict[str, str]
) -> None:
    lines = host.check_output("getent group codex-update codex-repos").splitlines()
    doors = {line.split(":")[2] for line in lines}
    assert len(doors) == 2
    assert set(status["Groups"].split()) - {status["Gid"].split()[0]} == doors


def test_memory_is_bounded(host: Host) -> None:
    """git counts as well, which the agent asks of large repositories."""
    limit = facts.unit_properties(host, UNIT, "MemoryMax")["MemoryMax"]
    assert limit.isdigit()
    assert int(limit) <= 1536 << 20


def test_other_units_of_ours_are_locked_down_too(host: Host) -> None:
    for unit in (
        "codex-provision.service", "codex-verity-state.service", "codex-probes.service",
        "codex-health.service", "codex-update-status.service",
    ):  # fmt: skip
        report = host.check_output("systemd-analyze security --no-pager %s", unit)
        level = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
        assert level is not None, report
        assert float(level[1]) <= 4.0, f"{unit}\n{report}"
