# SPDX-License-Identifier: Apache-2.0
"""Kernel, initrd and command line of the UKI, started by the emulator itself.

The guest ends by itself: it writes a number that nobody can guess beforehand to its serial channel
and powers off, and only then is the status 123. A guest that hangs, panics or restarts cannot.
"""

import re
import secrets

import pytest

from tests.support import guests, milestones, serial_logs, timeouts
from tests.support.artefacts import Artefacts

pytestmark = pytest.mark.guest


def test_boots_to_its_verdict_and_powers_off(artefacts: Artefacts) -> None:
    nonce = secrets.token_hex(16)
    with guests.running(guests.specification("direct", "direct", exit_nonce=nonce)) as guest:
        verdict = guest.wait_for_serial(milestones.VERDICT, timeouts.BOOT_S)
        report = guest.wait_exit(timeouts.POWER_OFF_S)
        log = serial_logs.plain(guest.serial_log)
    facts = milestones.facts(verdict)
    # Without a firmware nobody hands over the key of our kernel modules, and lockdown refuses them.
    assert verdict["state"] == "degraded", verdict[0]
    assert facts["because"].split(",") == ["ai-mem", "ai-gpu"]
    assert facts["version"] == artefacts.version
    assert facts["slot"] == "A"
    assert facts["verity"] == "active"
    assert facts["secure-boot"] != "yes", "the emulator started the kernel, no firmware did"
    assert report.status == 123, report.reason
    assert [sign for sign in milestones.TROUBLE if re.search(sign, log)] == []
