# SPDX-License-Identifier: Apache-2.0
"""The policy: its file and its window."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.config import inputs, window
from codex_agent.config import update as policies
from codex_agent.host.root import Root
from codex_agent.update import scheduled

if TYPE_CHECKING:
    from tests.unit.agent.update.hosts import Host

REPOSITORY = Path(__file__).resolve().parents[4]
TIMER = "roles/codex_agent/templates/units/codex-update.timer.j2"


def at(text: str) -> datetime:
    day, time = text.split()
    number = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun").index(day)
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    return monday + timedelta(days=number, hours=int(time[:2]), minutes=int(time[3:]))


@pytest.mark.parametrize(("text", "inside", "outside"), [
    ("Sat 02:00-04:00", ["Sat 02:00", "Sat 03:59"], ["Sat 01:59", "Sat 04:00", "Sun 02:30"]),
    ("02:00-04:00", ["Mon 02:00", "Sun 03:00"], ["Mon 04:00", "Mon 01:59"]),
    ("Mon..Fri 23:00-01:00", ["Mon 23:30", "Sat 00:30"], ["Mon 00:30", "Sat 23:30", "Sun 00:30"]),
    ("Sat,Sun 00:00-00:00", ["Sat 00:00", "Sun 23:59"], ["Fri 23:59", "Mon 00:00"]),
    ("Fri..Mon 10:00-11:00", ["Fri 10:00", "Sun 10:00", "Mon 10:59"], ["Tue 10:00", "Thu 10:00"]),
])  # fmt: skip
def test_window(text: str, inside: list[str], outside: list[str]) -> None:
    found = window.parse(text)
    assert [moment for moment in inside if not found.holds(at(moment))] == []
    assert [moment for moment in outside if found.holds(at(moment))] == []


@pytest.mark.parametrize("text", [
    "", "Sat", "Sat 2:00-4:00", "Sat 02:00", "Sat 24:00-25:00", "Sat 02:60-03:00",
    "Foo 02:00-03:00",
    "sat 02:00-03:00", "Sat..Foo 02:00-03:00", "Sat..Sun..Mon 02:00-03:00", ",Sat 02:00-03:00",
    "Sat 02:00-04:00 x", "Sat 02:00-04:00-05:00",
])  # fmt: skip
def test_no_window(text: str) -> None:
    with pytest.raises(ValueError, match=r"day|time"):
        window.parse(text)


@pytest.mark.parametrize(("text", "late_s", "waits", "begins"), [
    ("Sat 02:00-04:00", 3000.0, ["Sat 02:00", "Sat 02:49"], ["Sat 02:50", "Sat 03:59"]),
    ("Fri 23:30-01:00", 2700.0, ["Fri 23:30", "Sat 00:14"], ["Sat 00:15", "Sat 00:59"]),
])  # fmt: skip
def test_a_late_host_waits(text: str, late_s: float, waits: list[str], begins: list[str]) -> None:
    found = window.parse(text)
    assert [moment for moment in waits if found.holds(at(moment), late_s)] == []
    assert [moment for moment in begins if not found.holds(at(moment), late_s)] == []


@given(st.datetimes(), st.integers(0, 1439), st.integers(0, 1439))
def test_a_late_window_is_part_of_it(moment: datetime, begin: int, end: int) -> None:
    found = window.Window(frozenset({0, 3}), begin, end)
    if found.holds(moment, 600.0):
        assert found.holds(moment)


def test_lateness_is_that_of_the_machine(machine: Host) -> None:
    def late(machine_id: bytes, jitter_s: float = 3600.0, text: str = "Sat 02:00-04:00") -> float:
        machine.put("/etc/machine-id", machine_id)
        return scheduled.lateness(machine.system.root, text, jitter_s)

    found = {late(b"%032x" % number) for number in range(50)}
    assert len(found) == 50
    assert 0 <= min(found) < 1200
    assert 2400 < max(found) < 3600
    assert late(b"a") == late(b"a")
    assert late(b"a", 0.0) == 0
    assert all(late(b"%032x" % n, 86400.0, "02:00-02:10") < 300 for n in range(20))


class TestFile:
    def load(self, machine: Host, text: str) -> policies.Loaded:
        machine.put("/etc/codex/update.toml", text.encode())
        return policies.load(machine.system.root)

    def test_default(self, machine: Host) -> None:
        found = policies.load(machine.system.root)
        assert (found.policy.mode, found.policy.source, found.problems) == ("notify", "", [])
        assert found.policy.allow_http is False

    def test_whole(self, machine: Host) -> None:
        machine.put("/usr/lib/codex/update.toml", b'[update]\nsource = "/srv"\nmode = "never"\n')
        found = self.load(machine, (
            '[update]\nmode = "apply"\nwindow = "Sat 02:00-04:00"\njitter_s = 900\n'
            'drain_before = [["/usr/bin/kubectl", "drain"]]\nallow_http = true\n'
        ))  # fmt: skip
        assert found.problems == []
        assert found.policy.drain_before == (("/usr/bin/kubectl", "drain"),)
        assert (found.policy.mode, found.policy.source) == ("apply", "/srv")
        assert found.places["update.source"] == policies.VENDOR
        assert found.places["update.mode"] == policies.HOST

    @pytest.mark.parametrize("entry", [
        'mode = "always"', "mode = 1", 'window = "soon"', "jitter_s = -1", "jitter_s = true",
        'drain_before = "reboot"', 'drain_before = ["reboot"]', "drain_before = [[]]",
        'drain_before = [["relative"]]', 'drain_before = [["/x", 1]]', 'ca_file = "relative"',
        'allow_http = "yes"', "allow_http = 1", 'source = "a\\nb"', 'modus = "apply"',
        'drain_after = [["/x\\u0000"]]',
    ])  # fmt: skip
    def test_mistakes(self, machine: Host, entry: str) -> None:
        found = self.load(machine, f"[update]\n{entry}\n")
        assert len(found.problems) == 1
        assert found.policy == policies.load(Root("/nonexistent")).policy

    def test_the_agent_checks_it_too(self, machine: Host) -> None:
        self.load(machine, "[update]\nmode = 5\n")
        assert ["update.mode" in p.message for p in inputs.problems(machine.system.root)] == [True]

    @pytest.mark.parametrize(("entry", "hint"), [
        ("", "Set window in /etc/codex/update.toml"),
        ('window = "02:00-02:20"', "Make it 21 min or longer"),
        ('window = "02:00-02:22"\njitter_s = 90', "Make it 23 min or longer"),
        ('window = "23:40-00:21"\njitter_s = 86400', "Make it 42 min or longer"),
    ])  # fmt: skip
    def test_a_window_that_would_be_missed(self, machine: Host, entry: str, hint: str) -> None:
        found = self.load(machine, f'[update]\nmode = "apply"\nsource = "/srv"\n{entry}\n')
        assert [problem.hint.startswith(hint) for problem in found.problems] == [True]
        assert "so the timer and the page do nothing" in found.problems[0].message
        # An update by hand needs the rest of it.
        assert (found.policy.mode, found.policy.source) == ("apply", "/srv")
        assert found.problems == inputs.problems(machine.system.root)

    @pytest.mark.parametrize("entry", [
        'mode = "apply"\nwindow = "02:00-02:21"', 'mode = "download"', 'window = "02:00-02:01"',
        'mode = "apply"\nwindow = "02:00-02:42"\njitter_s = 86400',
    ])  # fmt: skip
    def test_a_window_that_will_do(self, machine: Host, entry: str) -> None:
        assert self.load(machine, f"[update]\n{entry}\n").problems == []

    def test_how_often_the_timer_comes(self) -> None:
        timer = (REPOSITORY / TIMER).read_text()
        pause = r"^(?:OnUnitInactiveSec|RandomizedDelaySec)=(\d+)min$"
        pauses = re.findall(pause, timer, re.MULTILINE)
        assert len(pauses) == 2
        assert "AccuracySec" not in timer
        assert sum(map(int, pauses)) + 1 == policies.TIMER_MIN


def test_the_zone_is_that_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        monkeypatch.setenv("TZ", "JST-9")
        time.tzset()
        assert window.zone() == "JST"
    finally:
        monkeypatch.undo()
        time.tzset()
