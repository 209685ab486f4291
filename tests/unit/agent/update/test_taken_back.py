# SPDX-License-Identifier: Apache-2.0
"""A version that was written and not started is taken back; what is half done is undone."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.cli import main
from codex_agent.cli import update as command
from codex_agent.config import update as policies
from codex_agent.update import applying, boot, conclude, fallback, state
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Wish
from codex_agent.update.program import Done
from codex_agent.update.status import read as read_status
from tests.unit.agent.update.hosts import OLD, RUNNING, Killed

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.update.flow import Outcome
    from tests.unit.agent.update.asking import Asking
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"
NEWER = "0.1.12"
TRIED = f"codex-os_{NEW}+2-1.efi"


@pytest.fixture
def written(machine: Host, folder: Folder) -> Host:
    folder.add(NEW)
    apply(machine, folder)
    machine.calls.clear()
    return machine


def apply(machine: Host, folder: Folder, **wish: Any) -> Outcome:
    with machine.updater(str(folder.path)).alone() as turn:
        return applying.apply(turn, Wish(**wish))


def back(machine: Host, version: str | None = None, *, once: bool = False) -> Outcome:
    with machine.updater().alone() as turn:
        return turn.roll_back(version, once=once)


def kept(machine: Host) -> state.State:
    return state.load(machine.system.state).state


def starts_next(machine: Host) -> str | None:
    return boot.starts_next(boot.read(machine.system.root))


def full(monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOSPC) -> None:
    """Let nothing be written any more, as on a disk without room."""

    def refuse(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)


class TestTakenBack:
    @pytest.mark.parametrize("wanted", [None, RUNNING])
    def test_before_it_was_started(self, written: Host, wanted: str | None) -> None:
        assert starts_next(written) == NEW
        outcome = back(written, wanted)
        assert (outcome.changed, outcome.version) == (True, RUNNING)
        assert outcome.message.startswith(f"Version {NEW} is taken back: {RUNNING} starts")
        assert starts_next(written) == RUNNING
        now = kept(written)
        assert (now.stage, now.version, now.pinned) == ("none", None, RUNNING)
        assert now.bad == {NEW: "it was written, and an operator took it back"}

    def test_it_is_not_written_again_by_itself(self, written: Host, folder: Folder) -> None:
        back(written)
        with pytest.raises(UpdateError, match="an operator took it back") as caught:
            apply(written, folder)
        assert caught.value.kind is Exit.BAD_VERSION
        assert apply(written, folder, again=True).changed
        assert starts_next(written) == NEW
        assert (kept(written).pinned, kept(written).bad) == (None, {})

    def test_a_newer_one_is_taken(self, written: Host, folder: Folder) -> None:
        back(written)
        folder.add(NEWER)
        apply(written, folder)
        assert starts_next(written) == NEWER

    def test_an_older_one_is_not_started_once(self, machine: Host, folder: Folder) -> None:
        folder.add("0.1.8")
        apply(machine, folder, allow_older=True)
        assert starts_next(machine) == "0.1.8"
        back(machine)
        assert boot.variable(machine.system.root, boot.ONESHOT) is None
        assert starts_next(machine) == RUNNING

    def test_what_somebody_else_set_for_once_stays(self, written: Host) -> None:
        written.variable(boot.ONESHOT, "auto-windows")
        back(written)
        assert boot.variable(written.system.root, boot.ONESHOT) == "auto-windows"

    def test_one_that_was_tried_is_taken_back_by_name(self, written: Host) -> None:
        written.rename(f"codex-os_{NEW}+3-0.efi", TRIED)
        with pytest.raises(UpdateError, match="not been found good yet") as caught:
            back(written)
        assert caught.value.kind is Exit.NOTHING_TO_ROLL_BACK
        assert caught.value.hint == f"codex update rollback --to {RUNNING} takes it back."
        assert back(written, RUNNING).version == RUNNING
        assert starts_next(written) == RUNNING

    def test_one_that_runs_is_gone_back_from(self, written: Host) -> None:
        written.rename(f"codex-os_{NEW}+3-0.efi", TRIED)
        written.run_version(NEW)
        written.select(TRIED)
        assert back(written).version == RUNNING
        assert kept(written).bad == {NEW: f"an operator went back from it to {RUNNING}"}

    def test_the_running_one_has_to_be_good(self, written: Host) -> None:
        written.rename(f"codex-os_{RUNNING}.efi", f"codex-os_{RUNNING}+2-1.efi")
        with pytest.raises(UpdateError, match=f"{RUNNING} has not been found good yet"):
            back(written)
        assert not written.started("bootctl")

    def test_a_restart_for_it_is_forgotten(self, written: Host) -> None:
        with written.updater().alone() as turn:
            turn.note(restarted_for=f"codex-os_{NEW}+3-0.efi")
        back(written)
        assert kept(written).restarted_for is None

    def test_for_once_it_is_none(self, written: Host) -> None:
        with pytest.raises(UpdateError, match="not been found good yet"):
            back(written, once=True)

    def test_the_firmware_falls_back_to_what_runs(self, written: Host) -> None:
        back(written)
        with written.updater().alone() as turn:
            conclude.conclude(turn)
        entry = turn.boot.of(RUNNING)
        assert entry is not None
        assert [o.names(entry) for o in fallback.read(written.run).ours] == [True]

    def test_status_says_how(
        self, written: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(command, "System", lambda: written.system)
        hint = f"codex update rollback --to {RUNNING} takes it back"
        main.main(["update", "status"])
        assert hint in capsys.readouterr().out
        assert main.main(["update", "rollback"]) == Exit.DONE
        main.main(["update", "status"])
        said = capsys.readouterr().out
        assert hint not in said
        assert f"{NEW}: it was written, and an operator took it back" in said

    def test_by_the_page(self, written: Host, door: Callable[..., Asking]) -> None:
        asking = door({"action": "rollback", "version": RUNNING})
        assert asking.heard()["message"] == f"Version {NEW} is being taken back."
        assert asking.ended() == 0
        assert starts_next(written) == RUNNING


class TestHalfDone:
    """The state is written before the boot loader is told, and undone when that fails."""

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
    def test_a_full_disk_goes_back_nowhere(
        self, machine: Host, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        machine.system.state.mkdir(parents=True, mode=0o700)
        with monkeypatch.context() as patch:
            full(patch, number)
            with pytest.raises(UpdateError, match="is full") as caught:
                back(machine)
        assert caught.value.kind is Exit.SPACE
        assert "Make room" in (caught.value.hint or "")
        assert not machine.started("bootctl")
        assert starts_next(machine) == RUNNING
        assert kept(machine) == state.State()

    def test_an_update_is_refused_for_its_space(
        self, machine: Host, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.add(NEW)
        machine.system.state.mkdir(parents=True, mode=0o700)
        full(monkeypatch)
        with pytest.raises(UpdateError, match="is full") as caught:
            apply(machine, folder)
        assert caught.value.kind is Exit.SPACE

    @pytest.mark.parametrize("wanted", [None, RUNNING])
    def test_a_boot_loader_that_refuses(self, written: Host, wanted: str | None) -> None:
        before = kept(written)
        written.before["bootctl"] = lambda _argv: Done(1, "", "Access denied")
        with pytest.raises(UpdateError, match="Access denied"):
            back(written, wanted)
        now = kept(written)
        assert (now.stage, now.version, now.bad) == (before.stage, before.version, before.bad)
        assert starts_next(written) == NEW

    @pytest.mark.parametrize("new", [True, False])
    def test_cut_before_the_boot_loader_was_told(
        self, machine: Host, folder: Folder, *, new: bool
    ) -> None:
        if new:
            folder.add(NEW)
            apply(machine, folder)

        def cut(_argv: object) -> None:
            raise Killed

        machine.before["bootctl"] = cut
        with pytest.raises(Killed):
            back(machine)
        machine.before.clear()
        with machine.updater().alone():
            pass
        # What runs was not gone back from; what was taken back still is.
        assert RUNNING not in kept(machine).bad
        assert starts_next(machine) == RUNNING
        found = read_status(machine.system, policies.load(machine.system.root))
        assert list(found.bad) == ([NEW] if new else [])
        if not new:
            assert back(machine).version == OLD
