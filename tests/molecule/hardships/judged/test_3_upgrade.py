# SPDX-License-Identifier: Apache-2.0
"""An upgrade brings newer packages, and ends at the first host that is not well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.molecule.apply import apply, inventory

if TYPE_CHECKING:
    from pathlib import Path

    from testinfra.host import Host

# Each of them asks for the host: those that do not would come before all others.
pytestmark = [pytest.mark.guest, pytest.mark.usefixtures("host")]

PLAYBOOK = "playbooks/upgrade.yml"
NAME = "molecule-hardships"
TWIN = "molecule-twin"
PROBE = "/etc/codex/probes.d/never-well.toml"
#: A package of the archive in a version that the archive has left behind.
OLD = (
    "set -e; d=$(mktemp -d); mkdir $d/DEBIAN; "
    "printf 'Package: hello\\nVersion: 0.1\\nArchitecture: amd64\\n"
    "Maintainer: nobody <nobody@example.invalid>\\nDescription: old\\n' >$d/DEBIAN/control; "
    "dpkg-deb --build $d $d.deb; dpkg --install $d.deb; rm -r $d $d.deb"
)
VERSION = "dpkg-query --show --showformat='${Version}' hello"


@pytest.fixture
def rack(tmp_path: Path) -> Path:
    """An inventory in which the machine stands a second time, under another name."""
    known = yaml.safe_load((inventory() / "ansible_inventory.yml").read_text(encoding="utf-8"))
    place = tmp_path / "rack.yml"
    twin = {"judged": {"hosts": {TWIN: known["all"]["hosts"][NAME]}}}
    place.write_text(yaml.safe_dump(twin), encoding="utf-8")
    return place


def test_newer_packages_come_and_the_host_stays_well(host: Host) -> None:
    host.check_output(OLD)
    outcome = apply(PLAYBOOK)
    assert (outcome.status, outcome.sentence) == (0, "")
    assert not host.check_output(VERSION).startswith("0.1")


def test_the_newer_kernel_is_ready_for_the_next_start(host: Host) -> None:
    """Its headers came with it, so that nothing of ours is missing there."""
    form = "dpkg-query --show --showformat='${Version}' %s"
    kernel, headers = (
        host.check_output(form, f"linux-{kind}-amd64") for kind in ("image", "headers")
    )
    assert kernel == headers
    # Its exit says so only of a kernel that is wanted, ready, and the default.
    host.check_output("codex-kernel-guard status")


def test_second_upgrade_changes_nothing() -> None:
    outcome = apply(PLAYBOOK)
    assert (outcome.status, outcome.changed) == (0, 0)


def test_no_host_comes_after_one_that_is_not_well(host: Host, rack: Path) -> None:
    probe = 'argv = ["/bin/false"]\nasks = "whether it is well"\nrequired = true\n'
    host.check_output("mkdir -p /etc/codex/probes.d && printf %s >%s", probe, PROBE)
    try:
        outcome = apply(PLAYBOOK, {"codex_health_tries": 2}, rack)
    finally:
        host.check_output("rm %s", PROBE)
        host.check_output("systemctl restart codex-probes.service codex-health.service")
    assert outcome.status != 0
    assert "no further host is touched" in outcome.sentence
    assert outcome.hosts == {NAME}


def test_both_are_upgraded_where_both_are_well(rack: Path) -> None:
    """The control: the second name would have been asked."""
    outcome = apply(PLAYBOOK, more=rack)
    assert (outcome.status, outcome.sentence) == (0, "")
    assert outcome.hosts == {NAME, TWIN}
