# SPDX-License-Identifier: Apache-2.0
"""The command ``codex`` on the host."""

import json
import re

import pytest
from testinfra.host import Host

from tests.support import facts

pytestmark = pytest.mark.guest

#: Top-level keys of the snapshot, which programs rely on.
KEYS = {
    "schema", "taken_at", "hostname", "delivery", "image", "slot", "verity", "secure_boot",
    "lockdown", "kernel", "firmware", "machine", "uptime_s", "boot_id", "cpu", "memory", "io",
    "disks", "filesystems", "pci", "services", "units", "given_up", "verdict", "readings",
}  # fmt: skip
EXIT = {"healthy": 0, "degraded": 1, "failed": 2, "unknown": 3}


def test_status_is_healthy(host: Host) -> None:
    done = host.run("codex status")
    assert (done.rc, done.stderr) == (0, ""), done.stdout
    assert "healthy" in done.stdout
    assert "\x1b" not in done.stdout, "colours are for terminals"


def test_status_as_json(host: Host) -> None:
    done = host.run("codex status --json")
    snapshot = json.loads(done.stdout)
    assert set(snapshot) == KEYS
    assert snapshot["schema"] == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", snapshot["taken_at"])
    assert done.rc == EXIT[snapshot["verdict"]["state"]]


def test_a_user_can_ask_too(host: Host) -> None:
    """Status needs no privilege; what only root can read is null with a reason, not an error."""
    done = host.run("setpriv --reuid=65534 --regid=65534 --clear-groups codex status --json")
    assert json.loads(done.stdout)["kernel"]["release"] == host.check_output("uname -r")
    assert "Traceback" not in done.stderr


def test_a_user_cannot_see_the_token(host: Host) -> None:
    done = host.run("setpriv --reuid=65534 --regid=65534 --clear-groups codex token show")
    assert done.rc != 0
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_version(host: Host) -> None:
    version = facts.os_release(host).get("IMAGE_VERSION", "")
    assert version in host.check_output("codex --version")


def test_configuration_is_valid(host: Host) -> None:
    assert host.run("codex config check").rc == 0


def test_configuration_says_where_values_come_from(host: Host) -> None:
    assert "/usr/lib/codex/agent.toml" in host.check_output("codex config show")


@pytest.mark.parametrize("words", ["stauts", "", "status --jsn", "token frobnicate"])
def test_wrong_usage_is_one_sentence_and_a_hint(host: Host, words: str) -> None:
    done = host.run(f"codex {words}")
    assert done.rc not in {0, 1, 2, 3}, "these are verdicts"
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith("codex: ")
    assert "Traceback" not in done.stderr
    assert any(line.startswith("hint: ") for line in lines)


def test_a_typo_in_the_configuration_is_named(host: Host) -> None:
    """Given by the environment, so that nothing on the host has to be changed."""
    done = host.run("CODEX_SERVICE_SAMPLE_INTERVAL=1 codex config check")
    assert done.rc != 0
    assert "sample_interval" in (done.stdout + done.stderr).lower()
