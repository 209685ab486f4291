# SPDX-License-Identifier: Apache-2.0
"""What a host does by itself, as its policy says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.host import probes
from codex_agent.update import applying, fallback, scheduled, state
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Wish
from codex_agent.update.program import Done
from tests.unit.agent.update.hosts import RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_agent.update.flow import Outcome
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"
SATURDAY = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
BEFORE, AFTER = (("/opt/hook", "drain"),), (("/opt/hook", "undrain"), ("/opt/hook", "tell"))


class Clock:
    """Shows the time, and is set forward by what takes long."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def takes(self, hours: float, word: str = "") -> Callable[[Sequence[str]], None]:
        """Return what a program does that takes so long, where its arguments have the word."""

        def act(argv: Sequence[str]) -> None:
            if not word or word in argv:
                self.now += timedelta(hours=hours)

        return act


def go(
    machine: Host, folder: Folder, mode: str, now: datetime | Clock, **changes: object
) -> Outcome:
    updater = machine.updater(
        str(folder.path), mode=mode, window="Sat 02:00-04:00", drain_before=BEFORE,
        drain_after=AFTER, **changes,
    )  # fmt: skip
    return scheduled.run(updater, now if isinstance(now, Clock) else lambda: now)


def hooks(machine: Host) -> list[str]:
    return [call[-1] for call in machine.calls if Path(call[0]).name in ("hook", "systemctl")]


class TestByItself:
    def test_never(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        assert not go(machine, folder, "never", SATURDAY).changed
        assert machine.calls == []

    def test_notify(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        outcome = go(machine, folder, "notify", SATURDAY)
        assert outcome.message == f"Version {NEW} is offered, {RUNNING} is running."
        assert state.load(machine.system.state).state.offered == NEW
        assert not machine.started("casync")
        folder.add("0.1.12", flavour="nvidia")
        assert "flavour nvidia" in go(machine, folder, "notify", SATURDAY).message

    def test_download(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        go(machine, folder, "download", SATURDAY)
        assert state.load(machine.system.state).state.stage == "fetched"
        machine.calls.clear()
        assert "already fetched" in go(machine, folder, "download", SATURDAY).message
        assert not machine.started("casync")
        assert hooks(machine) == []

    def test_apply_outside_of_the_window_only_fetches(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        go(machine, folder, "apply", SATURDAY - timedelta(hours=5))
        assert state.load(machine.system.state).state.stage == "fetched"
        assert hooks(machine) == []

    def test_apply_without_a_window_never_restarts(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        updater = machine.updater(str(folder.path), mode="apply")
        scheduled.run(updater, lambda: SATURDAY)
        assert hooks(machine) == []

    @pytest.mark.parametrize("blessed", [True, False])
    def test_apply(self, machine: Host, folder: Folder, *, blessed: bool) -> None:
        folder.add(NEW)
        outcome = go(machine, folder, "apply", SATURDAY)
        assert outcome.message.endswith("The host restarts now.")
        assert hooks(machine) == ["drain", "reboot"]
        machine.calls.clear()
        machine.restart(NEW, blessed=blessed)
        if blessed:
            assert not go(machine, folder, "apply", SATURDAY).changed
        else:
            with pytest.raises(UpdateError, match="was tried on this host"):
                go(machine, folder, "apply", SATURDAY)
        assert hooks(machine) == ["undrain", "tell"]
        assert not state.load(machine.system.state).state.drained

    def test_a_boot_on_trial_is_waited_for(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        go(machine, folder, "apply", SATURDAY)
        machine.calls.clear()
        machine.rename(f"codex-os_{NEW}+3-0.efi", f"codex-os_{NEW}+2-1.efi")
        machine.run_version(NEW)
        machine.select(f"codex-os_{NEW}+2-1.efi")
        go(machine, folder, "apply", SATURDAY)
        assert hooks(machine) == []
        machine.restart(NEW, blessed=True)
        go(machine, folder, "apply", SATURDAY)
        assert hooks(machine) == ["undrain", "tell"]

    def test_a_drain_that_fails_stops_the_restart(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        machine.before["hook"] = lambda argv: Done(3, "", "jobs left") if "drain" in argv else None
        with pytest.raises(UpdateError, match="failed: jobs left"):
            go(machine, folder, "apply", SATURDAY)
        assert "reboot" not in hooks(machine)
        machine.calls.clear()
        go(machine, folder, "apply", SATURDAY + timedelta(hours=5))
        assert hooks(machine) == ["undrain", "tell"]

    def test_a_window_that_closes_while_it_is_fetched(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        clock = Clock(SATURDAY)
        machine.before["casync"] = clock.takes(5)
        outcome = go(machine, folder, "apply", clock)
        assert outcome.message.endswith("The window is over, so the host is not restarted before "
                                        "the next one.")  # fmt: skip
        assert state.load(machine.system.state).state.stage == "written"
        assert hooks(machine) == []
        outcome = go(machine, folder, "apply", SATURDAY + timedelta(days=7))
        assert outcome.message.endswith("The host restarts now.")

    def test_a_window_that_closes_while_the_host_is_drained(
        self, machine: Host, folder: Folder
    ) -> None:
        folder.add(NEW)
        clock = Clock(SATURDAY)
        machine.before["hook"] = clock.takes(2, "drain")
        outcome = go(machine, folder, "apply", clock)
        assert "The window is over" in outcome.message
        assert outcome.changed
        assert hooks(machine) == ["drain", "undrain", "tell"]
        assert not state.load(machine.system.state).state.drained

    def test_a_host_that_cannot_be_brought_back_is_an_error(
        self, machine: Host, folder: Folder
    ) -> None:
        folder.add(NEW)
        clock = Clock(SATURDAY)
        drained = clock.takes(2, "drain")
        machine.before["hook"] = lambda argv: (
            Done(1, "", "no") if "undrain" in argv else drained(argv)
        )
        with pytest.raises(UpdateError, match="drain_after failed: no"):
            go(machine, folder, "apply", clock)
        assert hooks(machine) == ["drain", "undrain", "tell"]

    def test_a_hook_after_that_fails_is_said_once(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        go(machine, folder, "apply", SATURDAY)
        machine.restart(NEW, blessed=True)
        machine.calls.clear()
        machine.before["hook"] = lambda _argv: Done(1, "", "no")
        with pytest.raises(UpdateError, match="drain_after failed"):
            go(machine, folder, "apply", SATURDAY)
        assert hooks(machine) == ["undrain", "tell"]
        machine.calls.clear()
        go(machine, folder, "apply", SATURDAY)
        assert hooks(machine) == []


def probed(machine: Host, **changes: object) -> None:
    """Leave what the probes found at the start of the host: one GPU that does not answer."""
    result = {
        "name": "gpu", "asks": "Does it answer?", "state": "failed", "gates": True,
        "message": "1 GPU of 1 gave no answer.", "hint": None, "limit_s": 60.0, "took_s": 60.0,
        **changes,
    }  # fmt: skip
    now = machine.system.root.monotonic()
    content = {"schema": probes.SCHEMA, "monotonic_s": now, "results": [result]}
    machine.put(probes.PLACE, json.dumps(content).encode())


class TestFailing:
    def test_a_host_that_fails_does_not_update_itself(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        probed(machine)
        with pytest.raises(UpdateError, match=r"\(gpu\): 1 GPU of 1 gave no answer\.$") as caught:
            go(machine, folder, "apply", SATURDAY)
        assert caught.value.kind is Exit.BY_POLICY
        assert len(machine.entries()) == 2
        assert hooks(machine) == []
        assert "gpu" in (state.load(machine.system.state).state.last_error or "")

    def test_it_fetches(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        probed(machine)
        assert go(machine, folder, "apply", SATURDAY - timedelta(hours=5)).changed
        assert go(machine, folder, "download", SATURDAY).version == NEW

    def test_where_nothing_is_newer_it_is_no_matter(self, machine: Host, folder: Folder) -> None:
        folder.add(RUNNING)
        probed(machine)
        assert not go(machine, folder, "apply", SATURDAY).changed

    def test_who_asks_by_hand_is_told(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        probed(machine)
        with machine.updater(str(folder.path)).alone() as turn:
            assert applying.apply(turn, Wish()).changed
        assert machine.said[0] == (
            "The running version fails a check that a new one must pass (gpu): "
            "1 GPU of 1 gave no answer."
        )

    @pytest.mark.parametrize("changes", [
        {"gates": False, "name": "own-x"}, {"state": "degraded"}, {"state": "unknown"},
    ])  # fmt: skip
    def test_what_would_not_fail_a_start_is_no_matter(
        self, machine: Host, folder: Folder, changes: dict[str, object]
    ) -> None:
        folder.add(NEW)
        probed(machine, **changes)
        assert go(machine, folder, "apply", SATURDAY).message.endswith("The host restarts now.")


class TestNotTried:
    """The firmware did not start the boot loader: the old version runs, no try was used."""

    @pytest.fixture(autouse=True)
    def restarted(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        self.start(machine, 1)
        go(machine, folder, "apply", SATURDAY)
        self.start(machine, 2)
        machine.calls.clear()

    def start(self, machine: Host, number: int) -> None:
        text = f"{number:08d}-7e4b-4609-9683-e062d4e35431\n"
        machine.put("/proc/sys/kernel/random/boot_id", text.encode())

    def test_it_is_restarted_once(self, machine: Host, folder: Folder) -> None:
        for _ in range(3):
            with pytest.raises(UpdateError, match="By itself the host is not restarted for it"):
                go(machine, folder, "apply", SATURDAY)
        assert hooks(machine) == ["undrain", "tell"]
        now = state.load(machine.system.state).state
        assert now.stage == "written"
        assert (now.last_error or "").startswith(
            f"The host was restarted for version {NEW}, which was not tried."
        )
        go(machine, folder, "apply", SATURDAY + timedelta(hours=5))
        assert state.load(machine.system.state).state.last_error == now.last_error

    def test_it_is_said_that_the_firmware_fell_back(self, machine: Host, folder: Folder) -> None:
        machine.nvram.options["0002"] = (fallback.LABEL, f"HD()/codex-os_{RUNNING}.efi")
        machine.nvram.current = "0002"
        with pytest.raises(UpdateError, match="did not start the boot loader"):
            go(machine, folder, "apply", SATURDAY)
        machine.before["efibootmgr"] = lambda _argv: Done(1, "", "no variables")
        with pytest.raises(UpdateError, match="which was not tried"):
            go(machine, folder, "apply", SATURDAY)

    def test_a_restart_that_did_not_come_is_asked_for_again(
        self, machine: Host, folder: Folder
    ) -> None:
        self.start(machine, 1)
        go(machine, folder, "apply", SATURDAY)
        assert hooks(machine) == ["drain", "reboot"]

    def test_one_that_used_a_try_is_followed_by_another(
        self, machine: Host, folder: Folder
    ) -> None:
        machine.rename(f"codex-os_{NEW}+3-0.efi", f"codex-os_{NEW}+2-1.efi")
        go(machine, folder, "apply", SATURDAY)
        assert hooks(machine) == ["drain", "reboot"]

    def test_a_newer_version_is_restarted_for(self, machine: Host, folder: Folder) -> None:
        folder.add("0.1.12", seed=2)
        go(machine, folder, "apply", SATURDAY)
        assert hooks(machine) == ["undrain", "tell", "drain", "reboot"]

    def test_a_version_that_was_tried_and_is_wanted_again_is(
        self, machine: Host, folder: Folder
    ) -> None:
        machine.restart(NEW, blessed=False)
        with machine.updater(str(folder.path)).alone() as turn:
            applying.apply(turn, Wish(again=True))
        go(machine, folder, "apply", SATURDAY)
        assert hooks(machine) == ["drain", "reboot"]


@pytest.mark.parametrize("mode", ["notify", "download", "apply"])
def test_a_host_as_it_is_delivered_complains_of_nothing(machine: Host, mode: str) -> None:
    """It has no source yet: four complaints an hour would be no news."""
    outcome = scheduled.run(machine.updater(mode=mode), lambda: SATURDAY)
    assert (outcome.changed, outcome.version) == (False, "")
    assert "names no source" in outcome.message
    assert state.load(machine.system.state).state.last_error is None
