# SPDX-License-Identifier: Apache-2.0
"""What the first boot made on the disk, and what it left alone."""

import json

import pytest
from testinfra.host import Host

from tests.support import gpt
from tests.support.artefacts import Artefacts

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def partitions(host: Host) -> dict[str, dict[str, str]]:
    """Partitions of the guest's disk by their UUID."""
    columns = "NAME,TYPE,PARTUUID,PARTTYPE,PARTLABEL,FSTYPE"
    listing = json.loads(host.check_output(f"lsblk --json --list --output {columns}"))
    return {entry["partuuid"]: entry for entry in listing["blockdevices"] if entry["partuuid"]}


def test_var_was_made(partitions: dict[str, dict[str, str]]) -> None:
    [var] = [p for p in partitions.values() if p["partlabel"] == "codex-var"]
    assert var["parttype"] == str(gpt.VAR)
    assert var["fstype"] == "ext4"


def test_both_slots_are_as_they_were_delivered(
    partitions: dict[str, dict[str, str]], artefacts: Artefacts
) -> None:
    for delivered in gpt.read(artefacts.disk):
        assert partitions[str(delivered.uuid)]["partlabel"] == delivered.label


def test_systemd_finished_starting(host: Host) -> None:
    """Units that come after the verdict may still be at work: that is waited for."""
    assert host.run("systemctl is-system-running --wait").stdout.strip() == "running"


def test_console_offers_no_root_shell(host: Host) -> None:
    units = host.check_output(
        "systemctl list-units --plain --no-legend 'debug-shell*' '*autologin*' 'codex-shell*'"
    )
    assert units == ""
    assert "--autologin" not in host.check_output("systemctl cat 'serial-getty@ttyS0.service'")
