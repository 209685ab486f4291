# SPDX-License-Identifier: Apache-2.0
"""This host is itself: its identity was made at its first boot and lasts."""

from typing import Any

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.guest


def test_machine_id_is_set_and_kept(host: Host, expected: dict[str, Any]) -> None:
    machine_id = host.check_output("cat /etc/machine-id")
    assert len(machine_id) == 32
    assert set(machine_id) <= set("0123456789abcdef")
    assert host.check_output("cat %s", expected["machine_id"]) == machine_id
    # A file system in memory would give a new identity at each boot.
    kind = host.check_output(
        "findmnt --noheadings --output FSTYPE --target %s", expected["machine_id"]
    )
    assert kind != "tmpfs"


def test_var_is_a_partition_of_its_own(host: Host, expected: dict[str, Any]) -> None:
    if expected["var_is_a_partition"]:
        source = host.check_output("findmnt --noheadings --output SOURCE /var")
        root = host.check_output("findmnt --noheadings --output SOURCE /")
        assert source.startswith("/dev/")
        assert source != root


def test_configuration_place_is_persistent(host: Host, expected: dict[str, Any]) -> None:
    assert (
        host.check_output("readlink --canonicalize /etc/codex") == expected["configuration_place"]
    )
    assert host.file(expected["configuration_place"]).is_directory
    kind = host.check_output(
        "findmnt --noheadings --output FSTYPE --target %s", expected["configuration_place"]
    )
    assert kind != "tmpfs"


def test_host_name_is_a_name(host: Host) -> None:
    assert host.check_output("hostname") not in {"", "localhost", "(none)"}
