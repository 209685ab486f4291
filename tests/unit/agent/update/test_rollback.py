# SPDX-License-Identifier: Apache-2.0
"""Boot entries, what is known of a boot, and going back: only to what is whole and was good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.config import update as policies
from codex_agent.update import applying, boot, state
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Wish
from codex_agent.update.program import Done
from codex_agent.update.status import read as read_status
from tests.unit.agent.update.hosts import OLD, RUNNING

if TYPE_CHECKING:
    from codex_agent.update.flow import Outcome
    from codex_agent.update.status import Status
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"


def back(machine: Host, version: str | None = None, *, once: bool = False) -> Outcome:
    with machine.updater().alone() as turn:
        return turn.roll_back(version, once=once)


def refused(machine: Host, version: str | None = None) -> str:
    with pytest.raises(UpdateError) as caught:
        back(machine, version)
    assert caught.value.kind is Exit.NOTHING_TO_ROLL_BACK
    assert not machine.started("bootctl")
    return caught.value.message


def kept(machine: Host) -> state.State:
    return state.load(machine.system.state).state


def status(machine: Host) -> Status:
    return read_status(machine.system, policies.load(machine.system.root))


@pytest.mark.parametrize(("name", "expected"), [
    ("codex-os_0.1.9.efi", ("0.1.9", None, 0, "good")),
    ("codex-os_0.1.9+3.efi", ("0.1.9", 3, 0, "counted")),
    ("codex-os_0.1.9+2-1.efi", ("0.1.9", 2, 1, "counted")),
    ("codex-os_0.1.9+0-3.efi", ("0.1.9", 0, 3, "bad")),
    ("CODEX-OS_0.1.9.EFI", ("0.1.9", None, 0, "good")),
])  # fmt: skip
def test_entries(name: str, expected: tuple[object, ...]) -> None:
    found = boot.parse(name)
    assert found is not None
    assert (found.version, found.left, found.done, found.standing) == expected


@pytest.mark.parametrize("name", [
    "codex-os_0.1.9+.efi", "codex-os_0.1.9+3-.efi", "codex-os_0.1.9+-1.efi", "codex-os_.efi",
    "codex-os_0.1.9+99999.efi", "other_0.1.9.efi", "codex-os_0.1.9.efi.tmp", ".#codex-os_1.efi",
    "codex-os_0.1.9.conf", "", "codex-os_../1.efi",
])  # fmt: skip
def test_no_entries_of_ours(name: str) -> None:
    assert boot.parse(name) is None


def test_back_to_the_other_good_version(machine: Host) -> None:
    outcome = back(machine)
    assert outcome.version == OLD
    assert boot.variable(machine.system.root, boot.DEFAULT) == f"codex-os_{OLD}.efi"
    assert kept(machine).pinned == OLD
    assert "an operator went back" in kept(machine).bad[RUNNING]


def test_once(machine: Host) -> None:
    back(machine, once=True)
    assert boot.variable(machine.system.root, boot.ONESHOT) == f"codex-os_{OLD}.efi"
    assert boot.variable(machine.system.root, boot.DEFAULT) is None
    assert kept(machine).bad == {}


def test_from_a_version_on_trial(machine: Host) -> None:
    machine.rename(f"codex-os_{RUNNING}.efi", f"codex-os_{RUNNING}+2-1.efi")
    assert back(machine).version == OLD


def test_nothing_beside(machine: Host) -> None:
    (machine.base / f"efi/EFI/Linux/codex-os_{OLD}.efi").unlink()
    assert f"no version beside {RUNNING}" in refused(machine)


def test_the_other_is_not_whole(machine: Host) -> None:
    machine.slots[OLD] = False
    assert "is not whole in its slot" in refused(machine)
    del machine.slots[OLD]
    assert "is not whole in its slot" in refused(machine)


@pytest.mark.parametrize(("tail", "said"), [("+0-3", "did not start well"), ("+3", "found good")])
def test_the_other_is_not_good(machine: Host, tail: str, said: str) -> None:
    machine.rename(f"codex-os_{OLD}.efi", f"codex-os_{OLD}{tail}.efi")
    assert said in refused(machine)


def test_a_wanted_version(machine: Host) -> None:
    assert "this host has no version 0.1.5" in refused(machine, "0.1.5")
    assert "this host has no version" in refused(machine, RUNNING)
    assert back(machine, OLD).version == OLD


def test_bootctl_fails(machine: Host) -> None:
    machine.before["bootctl"] = lambda _argv: Done(1, "", "Access denied")
    with pytest.raises(UpdateError, match="was not told what to start: Access denied"):
        back(machine)
    assert kept(machine).pinned is None


def test_the_firmware_forgets(machine: Host) -> None:
    machine.before["bootctl"] = lambda _argv: Done(0, "", "")
    with pytest.raises(UpdateError, match="did not keep"):
        back(machine)
    assert kept(machine).pinned is None


def test_not_forward_again_by_itself(machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    with machine.updater(str(folder.path)).alone() as turn:
        applying.apply(turn, Wish())
    machine.restart(NEW, blessed=True)
    back(machine)
    machine.run_version(RUNNING)
    machine.select(f"codex-os_{RUNNING}.efi")
    with (
        pytest.raises(UpdateError, match="went back from it") as caught,
        machine.updater(str(folder.path)).alone() as turn,
    ):
        applying.apply(turn, Wish())
    assert caught.value.kind is Exit.BAD_VERSION
    with machine.updater(str(folder.path)).alone() as turn:
        assert applying.apply(turn, Wish(again=True)).changed
    assert boot.variable(machine.system.root, boot.DEFAULT) is None
    assert kept(machine).pinned is None


def test_what_was_given_up_and_runs_well_is_good(machine: Host) -> None:
    machine.system.state.mkdir(parents=True, mode=0o700)
    bad = {RUNNING: "it did not start well in 3 tries", NEW: "the same"}
    state.store(machine.system.state, state.State(bad=bad), {})
    machine.rename(f"codex-os_{RUNNING}.efi", f"codex-os_{RUNNING}+2-1.efi")
    with machine.updater().alone():
        assert set(kept(machine).bad) == {RUNNING, NEW}
    machine.restart(RUNNING, blessed=True)
    with machine.updater().alone():
        assert set(kept(machine).bad) == {NEW}


def test_what_was_gone_back_from_and_runs_well_again_is_good(machine: Host, folder: Folder) -> None:
    """It runs by the boot menu, and is what the next version falls back to."""
    back(machine)
    assert RUNNING in kept(machine).bad
    # Not yet restarted: it runs, and is still not to be taken again by itself.
    with machine.updater().alone():
        assert RUNNING in kept(machine).bad
    folder.add(NEW)
    with machine.updater(str(folder.path)).alone() as turn:
        applying.apply(turn, Wish())
    machine.restart(NEW, blessed=True)
    with machine.updater(str(folder.path)).alone() as turn:
        assert turn.roll_back(None, once=False).version == RUNNING


def test_a_new_version_takes_the_default_back(machine: Host, folder: Folder) -> None:
    machine.variable(boot.DEFAULT, f"codex-os_{RUNNING}.efi")
    folder.add(NEW)
    with machine.updater(str(folder.path)).alone() as turn:
        applying.apply(turn, Wish())
    assert boot.variable(machine.system.root, boot.DEFAULT) is None


def test_a_default_of_somebody_else_stays(machine: Host, folder: Folder) -> None:
    machine.variable(boot.DEFAULT, "auto-windows")
    folder.add(NEW)
    with machine.updater(str(folder.path)).alone() as turn:
        applying.apply(turn, Wish())
    assert boot.variable(machine.system.root, boot.DEFAULT) == "auto-windows"


class TestOlder:
    """The boot loader starts the newest version; an older one is tried once, then kept."""

    @pytest.fixture
    def written(self, machine: Host, folder: Folder) -> Host:
        folder.add("0.1.8")
        with machine.updater(str(folder.path)).alone() as turn:
            applying.apply(turn, Wish(allow_older=True))
        assert boot.variable(machine.system.root, boot.ONESHOT) == "codex-os_0.1.8.efi"
        assert boot.variable(machine.system.root, boot.DEFAULT) is None
        machine.variable(boot.ONESHOT, None)
        return machine

    def test_found_good_it_is_kept(self, written: Host) -> None:
        written.restart("0.1.8", blessed=True)
        with written.updater().alone():
            pass
        assert boot.variable(written.system.root, boot.DEFAULT) == "codex-os_0.1.8.efi"
        assert kept(written).pinned == "0.1.8"
        assert kept(written).stage == "none"

    def test_on_trial_it_is_not_yet_kept(self, written: Host) -> None:
        written.rename("codex-os_0.1.8+3-0.efi", "codex-os_0.1.8+2-1.efi")
        written.run_version("0.1.8")
        written.select("codex-os_0.1.8+2-1.efi")
        with written.updater().alone():
            pass
        assert not written.started("bootctl")[1:]

    def test_failed_it_is_forgotten(self, written: Host) -> None:
        written.restart("0.1.8", blessed=False)
        with written.updater().alone():
            pass
        assert boot.variable(written.system.root, boot.DEFAULT) is None
        assert kept(written).pinned is None
        assert "0.1.8" in kept(written).bad


class TestStatus:
    def test_at_rest(self, machine: Host) -> None:
        found = status(machine)
        assert (found.running, found.boot) == (RUNNING, "blessed")
        assert [(v.version, v.running, v.starts_next, v.whole) for v in found.versions] == [
            (OLD, False, False, True), (RUNNING, True, True, True),
        ]  # fmt: skip
        assert found.problems == []

    def test_after_a_write_and_after_it_was_given_up(self, machine: Host, folder: Folder) -> None:
        folder.add(NEW)
        with machine.updater(str(folder.path)).alone() as turn:
            applying.apply(turn, Wish())
            found = status(machine)
            assert found.progress is not None
            assert found.progress.under_way
        found = status(machine)
        assert found.progress is not None
        assert (found.progress.stage, found.progress.under_way) == ("written", False)
        assert [v.tries_left for v in found.versions if v.starts_next] == [3]
        machine.restart(NEW, blessed=False)
        found = status(machine)
        assert [v.version for v in found.versions if v.starts_next] == [RUNNING]
        assert found.bad == {NEW: "it did not start well in 3 tries"}

    def test_one_try_is_no_tries(self, machine: Host) -> None:
        machine.put(f"/efi/EFI/Linux/codex-os_{NEW}+0-1.efi", b"one")
        assert status(machine).bad == {NEW: "it did not start well in 1 try"}

    def test_a_default_in_small_letters(self, machine: Host) -> None:
        machine.variable(boot.DEFAULT, f"CODEX-OS_{OLD}.EFI".lower())
        assert [v.version for v in status(machine).versions if v.starts_next] == [OLD]

    def test_without_privilege(self, machine: Host) -> None:
        machine.uid = 1000
        found = status(machine)
        assert found.problems == [
            "Whether the versions are whole in their slots is only told to root."
        ]
        assert [version.whole for version in found.versions] == [None, None]
