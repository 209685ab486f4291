# SPDX-License-Identifier: Apache-2.0
"""What the timer waits for: the lateness of its host, and the end of a version's last try."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from codex_agent.update import scheduled, state
from tests.unit.agent.update.hosts import RUNNING
from tests.unit.agent.update.test_scheduled import NEW, SATURDAY, go, hooks

if TYPE_CHECKING:
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder


def test_the_last_try_is_no_end(machine: Host, folder: Folder) -> None:
    """The boot loader takes the try from the name before it starts what still may be good."""
    folder.add(NEW)
    go(machine, folder, "apply", SATURDAY)
    machine.rename(f"codex-os_{NEW}+3-0.efi", f"codex-os_{NEW}+0-3.efi")
    machine.run_version(NEW)
    machine.select(f"codex-os_{NEW}+0-3.efi")
    machine.calls.clear()
    go(machine, folder, "never", SATURDAY)
    kept = state.load(machine.system.state).state
    assert (kept.stage, kept.version, kept.bad) == ("written", NEW, {})
    assert hooks(machine) == []
    machine.run_version(RUNNING)
    machine.select(f"codex-os_{RUNNING}.efi")
    go(machine, folder, "never", SATURDAY)
    kept = state.load(machine.system.state).state
    assert (kept.stage, list(kept.bad)) == ("none", [NEW])


def test_jitter_is_waited_for(machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    late = scheduled.lateness(machine.system.root, "Sat 02:00-04:00", 3600.0)
    assert late > 60
    begin = SATURDAY.replace(minute=0) + timedelta(seconds=late)
    go(machine, folder, "apply", begin - timedelta(seconds=30), jitter_s=3600.0)
    assert state.load(machine.system.state).state.stage == "fetched"
    assert hooks(machine) == []
    go(machine, folder, "apply", begin + timedelta(seconds=30), jitter_s=3600.0)
    assert hooks(machine) == ["drain", "reboot"]
