# SPDX-License-Identifier: Apache-2.0
"""Where the firmware starts only what its vendor signed, modules of our own need a key as well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.molecule.apply import apply

if TYPE_CHECKING:
    from testinfra.host import Host

pytestmark = pytest.mark.guest

#: No module is to be compiled.
WITHOUT = {"kernel_modules_package": "", "gpu_detect_stand_in": False}


def test_firmware_and_kernel_enforce_it(host: Host) -> None:
    """The control: on any other machine all that follows proves nothing."""
    assert "SecureBoot enabled" in host.check_output("mokutil --sb-state")
    assert "[integrity]" in host.check_output("cat /sys/kernel/security/lockdown")


def test_modules_without_a_key_are_refused_before_a_change(host: Host) -> None:
    outcome = apply()
    assert outcome.status != 0
    assert "Secure Boot" in outcome.sentence
    assert outcome.changed == 0
    assert host.run("dpkg-query --show dkms").rc != 0


def test_host_without_modules_of_ours_is_a_good_host(host: Host) -> None:
    outcome = apply(variables=WITHOUT)
    assert (outcome.status, outcome.sentence) == (0, "")
    status = json.loads(host.run("codex status --json").stdout)
    assert (status["verdict"]["state"], status["secure_boot"]) == ("healthy", True)


def test_second_run_changes_nothing(host: Host) -> None:
    outcome = apply(variables=WITHOUT)
    assert (outcome.status, outcome.changed) == (0, 0)
