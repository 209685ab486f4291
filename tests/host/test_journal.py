# SPDX-License-Identifier: Apache-2.0
"""A good boot is quiet: every message of priority err has an explanation, or there is none."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.guest

ALLOWED = tomllib.loads((Path(__file__).parent / "journal_allowed.toml").read_text("utf-8"))


def _ours(entry: dict[str, Any]) -> bool:
    """Whether a message is of a unit or program of ours."""
    names = (entry.get("_SYSTEMD_UNIT"), entry.get("UNIT"), entry.get("SYSLOG_IDENTIFIER"))
    return any(str(name).startswith("codex") for name in names)


def test_no_unexplained_error(host: Host, expected: dict[str, Any]) -> None:
    lines = host.check_output("journalctl --boot --priority=err --output=json").splitlines()
    patterns = [re.compile(entry["pattern"]) for entry in ALLOWED.get("message", [])]
    unexplained = [
        f"{entry.get('SYSLOG_IDENTIFIER')}: {_text(entry)}"
        for entry in map(json.loads, lines)
        if (expected["journal_judged"] == "all" or _ours(entry))
        and not any(pattern.fullmatch(_text(entry)) for pattern in patterns)
    ]
    assert unexplained == []


def test_every_setting_is_understood(host: Host) -> None:
    """A line that systemd, udev or sshd ignores is a setting that somebody believes in."""
    lines = host.check_output("journalctl --boot --priority=warning --output=cat").splitlines()
    doubt = re.compile(
        r"ignoring|Unknown (key|section|lvalue)|Failed to parse|[Dd]eprecated option"
    )
    assert [line for line in lines if doubt.search(line)] == []


def test_every_allowed_message_has_a_reason() -> None:
    for entry in ALLOWED.get("message", []):
        assert len(entry["why"]) > 10, entry


def test_journal_is_kept_over_a_reboot(host: Host) -> None:
    machine_id = host.check_output("cat /etc/machine-id")
    assert host.file(f"/var/log/journal/{machine_id}").is_directory


def _text(entry: dict[str, object]) -> str:
    """Message of a journal entry; one that is no UTF-8 comes as a list of bytes."""
    message = entry.get("MESSAGE", "")
    return bytes(message).decode(errors="replace") if isinstance(message, list) else str(message)
