# SPDX-License-Identifier: Apache-2.0
"""A host that needs a restart is restarted where that is allowed: drained, judged, given back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.molecule.apply import apply

if TYPE_CHECKING:
    from testinfra.host import Host

# Each of them asks for the host: those that do not would come before all others.
pytestmark = [pytest.mark.guest, pytest.mark.usefixtures("host")]

#: What Debian's packages leave where they want a restart; it is gone after one.
WANTED = "/run/reboot-required"
#: Set where a host was drained and not given back.
MARKER = "/var/lib/codex-reboot-drained"
#: What the operator's commands write down, each a word.
DIARY = "/var/tmp/diary"
ALLOWED: dict[str, Any] = {
    "reboot_allowed": True,
    "reboot_drain_commands": [f"echo drained >>{DIARY}"],
    "reboot_return_commands": [f"echo returned >>{DIARY}"],
}


def _boot(host: Host) -> str:
    return str(host.check_output("cat /proc/sys/kernel/random/boot_id"))


@pytest.fixture(scope="module")
def before(host: Host) -> str:
    """The boot in which these tests begin, with a reason for another one."""
    host.check_output("touch %s", WANTED)
    return _boot(host)


def test_reason_is_told_and_nothing_done(host: Host, before: str) -> None:
    outcome = apply()
    assert (outcome.status, outcome.sentence) == (0, "")
    assert "molecule-hardships needs a restart" in outcome.text
    assert _boot(host) == before


def test_host_that_cannot_be_drained_is_not_restarted(host: Host, before: str) -> None:
    outcome = apply(variables={**ALLOWED, "reboot_drain_commands": ["false"]})
    assert outcome.status != 0
    assert _boot(host) == before
    assert host.file(MARKER).exists
    assert not host.file(DIARY).exists, "it was given back"


def test_it_is_drained_restarted_and_given_back(host: Host, before: str) -> None:
    outcome = apply(variables=ALLOWED)
    assert (outcome.status, outcome.sentence) == (0, "")
    assert _boot(host) != before
    assert host.file(DIARY).content_string.split() == ["drained", "returned"]
    assert not host.file(MARKER).exists
    assert json.loads(host.run("codex status --json").stdout)["verdict"]["state"] == "healthy"


def test_without_a_reason_it_is_left_alone(host: Host) -> None:
    before = _boot(host)
    # The driver that stands in is no device's, so that udev has not loaded it.
    host.check_output("modprobe codex_stand_in")
    outcome = apply(variables=ALLOWED)
    assert (outcome.status, outcome.changed) == (0, 0)
    assert _boot(host) == before
    assert host.file(DIARY).content_string.split() == ["drained", "returned"]
