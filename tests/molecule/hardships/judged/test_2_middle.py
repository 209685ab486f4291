# SPDX-License-Identifier: Apache-2.0
"""What breaks in the middle of a run leaves a host that a second run completes."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.molecule.apply import apply, finish, start
from tests.support import timeouts

if TYPE_CHECKING:
    from testinfra.host import Host

pytestmark = pytest.mark.guest

SOURCES = "/etc/apt/sources.list.d/debian.sources"
#: One of the first files that the roles write: from then on a run is in its middle.
FIRST_FILE = "/usr/lib/sysctl.d/60-codex.conf"


def test_mirror_goes_away_after_it_was_asked(host: Host) -> None:
    """The roles before the first package have done their part by then."""
    elsewhere = "sed -i.kept -E 's#^URIs: .*#URIs: http://10.0.2.2:9/debian#' %s"
    host.check_output(f"{elsewhere} && rm -rf /var/lib/apt/lists", SOURCES)
    try:
        outcome = apply(variables={"preflight_mirror": False})
    finally:
        host.check_output("mv %s.kept %s", SOURCES, SOURCES)
    assert outcome.status != 0
    assert outcome.failures
    assert host.check_output("dpkg --audit") == ""
    # dpkg knows the name of what another package recommends, too.
    assert not host.run(
        "dpkg-query --show --showformat='${db:Status-Abbrev}' pciutils"
    ).stdout.startswith("ii")


def test_disk_fills_in_the_middle(host: Host) -> None:
    full = "fallocate --length $(($(df --output=avail --block-size=1M / | tail -1) - 48))MiB"
    host.check_output(f"{full} /var/tmp/full")
    try:
        outcome = apply(variables={"preflight_free_mib": 0})
    finally:
        host.check_output("rm /var/tmp/full")
    assert outcome.status != 0
    assert "space" in outcome.sentence.lower()


def test_host_restarts_in_the_middle(host: Host) -> None:
    before = host.check_output("cat /proc/sys/kernel/random/boot_id")
    running = start()
    try:
        end = time.monotonic() + timeouts.PLAYBOOK_S
        while not (middle := host.file(FIRST_FILE).exists) and running.process.poll() is None:
            assert time.monotonic() < end
            time.sleep(1)
        # As by the power: nothing is written back, nobody is asked. It waits for the way back.
        if middle:
            host.run("(sleep 2; echo b >/proc/sysrq-trigger) >/dev/null 2>&1 </dev/null &")
    finally:
        outcome = finish(running)
    assert middle, f"the run ended before it was in its middle: {outcome.sentence}"
    assert outcome.status != 0
    _wait(host, before)


def test_second_run_completes_what_is_there(host: Host) -> None:
    outcome = apply()
    assert (outcome.status, outcome.sentence) == (0, "")
    assert outcome.changed > 0


def test_third_run_changes_nothing_and_the_host_is_well(host: Host) -> None:
    outcome = apply()
    assert (outcome.status, outcome.changed) == (0, 0)
    assert host.check_output("dpkg --audit") == ""
    assert json.loads(host.run("codex status --json").stdout)["verdict"]["state"] == "healthy"


def _wait(host: Host, before: str) -> None:
    """Wait until the host has started anew."""
    end = time.monotonic() + timeouts.BOOT_S
    while time.monotonic() < end:
        # Testinfra raises this where ssh itself fails.
        with contextlib.suppress(RuntimeError):
            found = host.run("cat /proc/sys/kernel/random/boot_id")
            if found.rc == 0 and found.stdout.strip() not in {"", before}:
                host.run("systemctl is-system-running --wait")
                return
        time.sleep(5)
    pytest.fail("the host did not come back", pytrace=False)
