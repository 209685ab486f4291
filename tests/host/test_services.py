# SPDX-License-Identifier: Apache-2.0
"""What has to run runs, and nothing failed."""

from typing import Any

import pytest
from testinfra.host import Host

from tests.support import facts

pytestmark = pytest.mark.guest

RUNNING = [
    "codex-agent.socket",
    "codex-agent.service",
    "codex-provision.timer",
    "ssh.service",
    "systemd-journald.service",
    "systemd-timesyncd.service",
]
#: Units that ended their work well.
DONE = ["codex-provision.service", "codex-health.service"]


@pytest.mark.parametrize("unit", RUNNING)
def test_is_active_and_starts_at_boot(host: Host, unit: str) -> None:
    state = facts.unit_properties(host, unit, "ActiveState", "UnitFileState")
    assert state["ActiveState"] == "active", _why(host, unit)
    assert state["UnitFileState"] in {"enabled", "static", "indirect", "alias"}


#: Only an image has slots, and so updates of this kind.
OF_AN_IMAGE = ["codex-update.timer", "codex-update-request.socket"]


@pytest.mark.parametrize("unit", OF_AN_IMAGE)
def test_updates_wait_to_be_asked_for(host: Host, expected: dict[str, Any], unit: str) -> None:
    state = facts.unit_properties(host, unit, "ActiveState", "UnitFileState", "Result")
    wanted = "active" if expected["image_identity"] else "inactive"
    assert state == {"ActiveState": wanted, "UnitFileState": "enabled", "Result": "success"}


@pytest.mark.parametrize("unit", ["codex-agent.service", "ssh.service"])
def test_did_not_need_a_second_start(host: Host, unit: str) -> None:
    restarts = facts.unit_properties(host, unit, "NRestarts")
    assert restarts == {"NRestarts": "0"}, _why(host, unit)


@pytest.mark.parametrize("unit", DONE)
def test_ended_well(host: Host, unit: str) -> None:
    names = ("Result", "ExecMainStatus", "ExecMainStartTimestamp")
    state = facts.unit_properties(host, unit, *names)
    assert state["Result"] == "success", _why(host, unit)
    assert state["ExecMainStatus"] == "0", _why(host, unit)
    assert state["ExecMainStartTimestamp"] != "", f"{unit} has never run"


def test_network_service(host: Host, expected: dict[str, Any]) -> None:
    unit = expected["network_service"]
    if unit:
        assert facts.unit_properties(host, unit, "ActiveState") == {"ActiveState": "active"}


def test_root_verity_is_read_regularly(host: Host, expected: dict[str, Any]) -> None:
    if expected["root_file_system"] == "read-only":
        state = facts.unit_properties(host, "codex-verity-state.timer", "ActiveState", "Result")
        assert state == {"ActiveState": "active", "Result": "success"}
        assert host.file("/run/codex/verity-status").size > 0


def test_no_unit_failed(host: Host) -> None:
    failed = host.check_output("systemctl --failed --plain --no-legend").split("\n")
    assert failed == [""], "\n".join(_why(host, line.split()[0]) for line in failed)


def test_systemd_accepts_our_units(host: Host) -> None:
    """systemd ignores a directive that it does not know: a protection that is not there."""
    units = host.check_output("ls /usr/lib/systemd/system/ | grep ^codex-").split()
    assert len(units) >= 13
    done = host.run("systemd-analyze verify --recursive-errors=no " + " ".join(units))
    assert (done.rc, done.stderr.strip()) == (0, "")


def _why(host: Host, unit: str) -> str:
    """Status and end of the journal of a unit, for the report of a failure."""
    status = host.run("systemctl status --no-pager --lines=0 %s", unit).stdout
    journal = host.run("journalctl --boot --no-pager --lines=40 --unit=%s", unit).stdout
    return f"{status}\n{journal}"
