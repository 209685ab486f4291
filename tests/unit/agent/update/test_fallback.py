# SPDX-License-Identifier: Apache-2.0
"""The firmware's own way back, at every point of an update and after a start that needed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.update import applying, boot, fallback
from codex_agent.update.conclude import conclude
from codex_agent.update.exits import UpdateError
from codex_agent.update.flow import Wish
from codex_agent.update.program import Done
from tests.unit.agent.update.hosts import ESP, OLD, RUNNING, Killed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"


def settle(machine: Host) -> tuple[bool, str]:
    with machine.updater().alone() as turn:
        return conclude(turn)


def test_the_other_good_version_is_what_the_firmware_falls_back_to(machine: Host) -> None:
    changed, text = settle(machine)
    assert (changed, text) == (True, f"The firmware falls back to {OLD}.")
    assert machine.nvram.fallback() == [f"codex-os_{OLD}.efi"]
    assert machine.nvram.order == ["0001", "0000", "0002"], "it has to be the last to be tried"


def test_nothing_is_written_to_the_firmware_where_it_is_so(machine: Host) -> None:
    settle(machine)
    changes = machine.nvram.changes
    assert settle(machine)[0] is False
    assert machine.nvram.changes == changes


def test_the_running_version_while_the_other_slot_is_replaced(
    machine: Host, folder: Folder
) -> None:
    folder.add(NEW)
    settle(machine)
    seen = []
    machine.before["systemd-sysupdate"] = lambda argv: (
        seen.append(machine.nvram.fallback()) if "update" in argv else None
    )
    with machine.updater(str(folder.path)).alone() as turn:
        applying.apply(turn, Wish())
    assert seen == [[f"codex-os_{RUNNING}.efi"]]
    machine.restart(NEW, blessed=True)
    settle(machine)
    assert machine.nvram.fallback() == [f"codex-os_{RUNNING}.efi"]


def test_a_version_that_was_given_up_is_no_way_back(machine: Host) -> None:
    machine.rename(f"codex-os_{OLD}.efi", f"codex-os_{OLD}+0-3.efi")
    settle(machine)
    assert machine.nvram.fallback() == [f"codex-os_{RUNNING}.efi"]


@pytest.mark.parametrize("calls", range(1, 6))
def test_a_cut_at_any_call_leaves_a_way_back_and_the_next_run_one(
    machine: Host, calls: int
) -> None:
    settle(machine)
    machine.rename(f"codex-os_{OLD}.efi", f"codex-os_{OLD}+0-3.efi")
    left = [calls]

    def cut(_argv: object) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise Killed

    machine.before["efibootmgr"] = cut
    with pytest.raises(Killed):
        settle(machine)
    assert machine.nvram.fallback()
    assert machine.nvram.order is not None
    assert machine.nvram.order[0] == "0001"
    del machine.before["efibootmgr"]
    settle(machine)
    assert machine.nvram.fallback() == [f"codex-os_{RUNNING}.efi"]
    assert len(machine.nvram.options) == 3


def test_a_version_whose_file_cannot_be_loaded_is_given_up_and_said(machine: Host) -> None:
    settle(machine)
    # The firmware has started the old version, because systemd-boot could not start the newer one.
    machine.run_version(OLD)
    machine.variable(boot.SELECTED, None)
    machine.nvram.current = "0002"
    settle(machine)
    with machine.updater().alone() as turn:
        assert "could not start its file" in turn.state.bad[RUNNING]
        assert RUNNING in (turn.state.last_error or "")
        assert boot.starts_next(turn.boot) == OLD
    assert machine.nvram.fallback() == [f"codex-os_{OLD}.efi"]


def test_a_version_on_trial_that_cannot_be_loaded_is_left_to_the_boot_loader(machine: Host) -> None:
    settle(machine)
    machine.put(f"/efi/EFI/Linux/codex-os_{NEW}+2-1.efi", b"damaged")
    machine.nvram.options["0002"] = (fallback.LABEL, f"HD()/\\EFI\\Linux\\codex-os_{RUNNING}.efi")
    machine.nvram.current = "0002"
    machine.variable(boot.SELECTED, None)
    settle(machine)
    with machine.updater().alone() as turn:
        assert turn.boot.default is None
        assert NEW not in turn.state.bad


def test_a_version_that_the_boot_loader_was_not_asked_for_waits(machine: Host) -> None:
    settle(machine)
    machine.put(f"/efi/EFI/Linux/codex-os_{NEW}+3-0.efi", b"whole")
    machine.nvram.options["0002"] = (fallback.LABEL, f"HD()/\\EFI\\Linux\\codex-os_{RUNNING}.efi")
    machine.nvram.current = "0002"
    machine.nvram.order = ["0002", "0001", "0000"]
    machine.variable(boot.SELECTED, None)
    settle(machine)
    with machine.updater().alone() as turn:
        assert NEW not in turn.state.bad
        assert f"version {NEW} was not tried" in (turn.state.last_error or "")
    assert machine.nvram.order == ["0001", "0000", "0002"]


def test_an_order_of_our_option_alone_is_mended(machine: Host) -> None:
    """The firmware would start it first, and no new version ever."""
    settle(machine)
    machine.nvram.order = ["0002"]
    assert settle(machine)[0] is True
    assert machine.nvram.order == ["0000", "0001", "0002"]


def test_an_order_that_is_read_wrong_is_not_written(machine: Host) -> None:
    readings = []

    def forget_once(argv: Sequence[str]) -> Done | None:
        if len(argv) > 1:
            return None
        readings.append(argv)
        text = machine.nvram.text()
        return Done(0, text.replace("0001,0000", "0002"), "") if len(readings) == 2 else None

    machine.before["efibootmgr"] = forget_once
    changed, text = settle(machine)
    assert machine.nvram.order == ["0001", "0000"]
    assert not changed
    assert "two readings" in text, "nothing may be said to be so that is not"
    del machine.before["efibootmgr"]
    settle(machine)
    assert machine.nvram.order == ["0001", "0000", "0002"]


@pytest.mark.parametrize("fault", ["no-program", "no-order", "forgets", "no-device"])
def test_a_firmware_that_keeps_no_options_is_said_and_stops_no_update(
    machine: Host, folder: Folder, fault: str
) -> None:
    folder.add(NEW)
    if fault == "no-program":
        machine.before["efibootmgr"] = lambda _argv: Done(None, "", "", "the program is not there")
    elif fault == "no-order":
        machine.nvram.order = None
    elif fault == "forgets":
        machine.nvram.forgets = True
    else:
        (machine.base / f"dev/disk/by-partuuid/{ESP}").unlink()
    with machine.updater(str(folder.path)).alone() as turn:
        assert applying.apply(turn, Wish()).changed
    assert any("when the boot loader cannot" in said for said in machine.said)


def test_options_of_others_are_left_alone(machine: Host) -> None:
    machine.nvram.options["00A0"] = ("debian", "HD(1,GPT,x)/\\EFI\\debian\\shimx64.efi")
    machine.nvram.order = ["00A0", "0001"]
    settle(machine)
    assert machine.nvram.order[:2] == ["00A0", "0001"]
    assert machine.nvram.options["00A0"][0] == "debian"


def test_an_answer_that_is_none(machine: Host) -> None:
    machine.before["efibootmgr"] = lambda _argv: Done(2, "", "EFI variables are not supported\n")
    with pytest.raises(UpdateError, match="EFI variables are not supported"):
        fallback.read(machine.run)
