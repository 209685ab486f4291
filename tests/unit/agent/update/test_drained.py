# SPDX-License-Identifier: Apache-2.0
"""A host that was taken out of service comes back, whatever has become of its policy file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.cli import main
from codex_agent.cli import update as command
from codex_agent.config import update as policies
from codex_agent.update import state
from codex_agent.update.exits import Exit
from tests.unit.agent.update.hosts import RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"
POLICY = """\
[update]
source = "{}"
mode = "apply"
window = "00:00-00:00"
drain_before = [["/opt/hook", "drain"]]
drain_after = [["/opt/hook", "undrain"]]
"""


@pytest.fixture
def timer(machine: Host, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Do what the timer does, on a machine with the policy above and a newer version offered."""
    folder.add(NEW)
    machine.put("/etc/codex/update.toml", POLICY.format(folder.path).encode())
    monkeypatch.setattr(command, "System", lambda: machine.system)
    return lambda: main.main(["update", "apply", "--scheduled"])


def hooks(machine: Host) -> list[str]:
    return [call[-1] for call in machine.started("hook")]


def kept(machine: Host) -> state.State:
    return state.load(machine.system.state).state


@pytest.mark.parametrize("text", [
    "retries = 3\n", "jitter_s = -1\n", "retries = 9" + "9" * 5000, "[[[",
])  # fmt: skip
def test_by_a_policy_that_cannot_be_read_any_more(
    machine: Host, folder: Folder, timer: Callable[[], int], text: str
) -> None:
    assert timer() == Exit.DONE
    assert hooks(machine) == ["drain"]
    # Written for the version that is now given up.
    machine.put("/etc/codex/update.toml", (POLICY.format(folder.path) + text).encode())
    machine.restart(NEW, blessed=False)
    machine.calls.clear()
    assert timer() == Exit.BY_POLICY
    assert hooks(machine) == ["undrain"]
    assert (kept(machine).drained, kept(machine).drain_after) == (False, None)
    assert timer() == Exit.BY_POLICY
    assert hooks(machine) == ["undrain"]
    assert not machine.started("systemctl")
    assert not machine.started("casync")


def test_on_trial_it_is_still_waited_for(machine: Host, timer: Callable[[], int]) -> None:
    timer()
    machine.put("/etc/codex/update.toml", b"[[[")
    machine.rename(f"codex-os_{NEW}+3-0.efi", f"codex-os_{NEW}+2-1.efi")
    machine.run_version(NEW)
    machine.select(f"codex-os_{NEW}+2-1.efi")
    machine.calls.clear()
    assert timer() == Exit.BY_POLICY
    assert hooks(machine) == []
    assert kept(machine).drained


def test_by_what_belongs_to_the_way_it_was_drained(
    machine: Host, folder: Folder, timer: Callable[[], int]
) -> None:
    timer()
    other = POLICY.replace('"undrain"', '"other"').format(folder.path)
    machine.put("/etc/codex/update.toml", other.encode())
    machine.restart(NEW, blessed=True)
    assert timer() == Exit.DONE
    assert hooks(machine) == ["drain", "undrain"]


def test_what_an_older_version_drained_is_brought_back_by_the_policy(
    machine: Host, folder: Folder, timer: Callable[[], int]
) -> None:
    machine.system.state.mkdir(parents=True, mode=0o700)
    state.store(machine.system.state, state.State(drained=True, version=RUNNING), {})
    machine.put("/etc/codex/update.toml", b"[[[")
    assert timer() == Exit.BY_POLICY
    assert hooks(machine) == []
    assert kept(machine).drained
    machine.put("/etc/codex/update.toml", POLICY.format(folder.path).encode())
    timer()
    assert hooks(machine)[0] == "undrain"


def test_the_commands_have_a_size_that_the_state_can_hold(machine: Host) -> None:
    def loaded(words: int) -> policies.Loaded:
        text = "[update]\ndrain_after = [" + f'["/x"{words * (", " + repr("w" * 900))}]]'
        machine.put("/etc/codex/update.toml", text.encode())
        return policies.load(machine.system.root)

    assert len(loaded(17).policy.drain_after[0]) == 18
    found = loaded(19)
    assert found.policy.drain_after == ()
    assert "16 KiB at most" in found.problems[0].hint
