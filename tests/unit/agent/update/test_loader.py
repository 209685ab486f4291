# SPDX-License-Identifier: Apache-2.0
"""The boot loader on the ESP follows the newest good version, and is mended where it decays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.update import boot, loader
from codex_agent.update.conclude import conclude
from tests.unit.agent.update.hosts import OLD, RUNNING
from tests.unit.agent.update.loaders import loader_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.agent.update.hosts import Host

OURS = loader_of()


def settle(machine: Host) -> tuple[bool, str]:
    with machine.updater().alone() as turn:
        return conclude(turn)


def there(machine: Host) -> list[bytes]:
    return [(machine.base / place.lstrip("/")).read_bytes() for place in loader.PLACES]


def lay(machine: Host, content: bytes) -> None:
    for place in loader.PLACES:
        machine.put(place, content)


def runs_older(machine: Host) -> None:
    machine.run_version(OLD)
    machine.select(f"codex-os_{OLD}.efi")


def test_one_that_is_the_same_is_not_written(machine: Host) -> None:
    settle(machine)
    files = [machine.base / place.lstrip("/") for place in loader.PLACES]
    before = [file.stat().st_ino for file in files]
    assert settle(machine) == (False, f"The firmware falls back to {OLD}.")
    assert [file.stat().st_ino for file in files] == before


@pytest.mark.parametrize("older", ["257.9-1", "257.13-1~deb13u0", "256"])
def test_an_older_one_is_replaced(machine: Host, older: str) -> None:
    lay(machine, loader_of(older))
    changed, text = settle(machine)
    assert changed
    assert f"{loader.PLACES[0]} was systemd-boot {older}: it is systemd-boot 257.13-1" in text
    assert there(machine) == [OURS, OURS]


def test_one_that_another_build_has_signed_is_replaced(machine: Host) -> None:
    """After a change of keys, the old key may go only when nothing needs it."""
    lay(machine, loader_of(signature=b"signed by a key that goes"))
    assert "was signed by another build" in settle(machine)[1]
    assert there(machine) == [OURS, OURS]


def test_one_that_is_not_there_is_laid(machine: Host) -> None:
    for place in loader.PLACES:
        (machine.base / place.lstrip("/")).unlink()
    assert "was not there" in settle(machine)[1]
    assert there(machine) == [OURS, OURS]


@pytest.mark.parametrize("version", ["258-1", "257.13-1+deb14"])
def test_a_newer_one_stays(machine: Host, version: str) -> None:
    newer = loader_of(version)
    lay(machine, newer)
    settle(machine)
    assert there(machine) == [newer, newer]


def test_an_older_version_that_runs_takes_nothing_back(machine: Host) -> None:
    """After a rollback the loader stays that of the newer version, older or newer than ours."""
    runs_older(machine)
    for kept in (loader_of("256"), loader_of("258-1"), loader_of(signature=b"of the newer one")):
        lay(machine, kept)
        settle(machine)
        assert there(machine) == [kept, kept]


def test_a_version_on_trial_changes_no_loader(machine: Host) -> None:
    older = loader_of("256")
    lay(machine, older)
    machine.rename(f"codex-os_{RUNNING}.efi", f"codex-os_{RUNNING}+2-1.efi")
    settle(machine)
    assert there(machine) == [older, older]


def test_what_is_no_loader_of_ours_is_left_alone(machine: Host) -> None:
    lay(machine, b"MZ another loader, which an operator chose")
    settle(machine)
    assert there(machine) == [b"MZ another loader, which an operator chose"] * 2


@pytest.mark.parametrize("place", [len(OURS) - 16, 0, 0x80, 0x80 + 24, 300])
def test_a_damaged_one_is_mended_and_no_version_is_blamed(machine: Host, place: int) -> None:
    """The firmware refuses it and takes its last option; the newer version is not at fault."""
    settle(machine)
    damaged = bytearray(OURS)
    damaged[place] ^= 1
    lay(machine, bytes(damaged))
    runs_older(machine)
    for name in (boot.LOADER, boot.SELECTED):
        machine.variable(name, None)
    machine.nvram.current = "0002"
    assert "was damaged" in settle(machine)[1]
    # Once more in this start: now it is whole, and still it did not run.
    assert settle(machine)[0] is False
    assert there(machine) == [OURS, OURS]
    with machine.updater().alone() as turn:
        assert RUNNING not in turn.state.bad
        assert boot.starts_next(turn.boot) == RUNNING
        assert "was damaged" in (turn.state.last_error or "")


def test_a_cut_while_it_is_written_leaves_the_old_one(
    machine: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(machine, loader_of("256"))

    def cut(_self: Path, _target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", cut)
    with pytest.raises(KeyboardInterrupt):
        loader.renew(machine.system, newest=True)
    assert there(machine) == [loader_of("256")] * 2
    monkeypatch.undo()
    assert len(loader.renew(machine.system, newest=True)) == 2
    assert there(machine) == [OURS, OURS]
    assert not list((machine.base / "efi/EFI").rglob("*.new"))


def test_a_full_or_closed_esp_is_said_and_stops_nothing(
    machine: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(machine, loader_of("256"))

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("codex_agent.update.loader.sync_directory", full)
    assert settle(machine)[1] == f"The firmware falls back to {OLD}."
    assert any("cannot be written: no space left" in said for said in machine.said)


def test_an_image_without_one_is_said(machine: Host) -> None:
    (machine.base / loader.SOURCE.lstrip("/")).unlink()
    settle(machine)
    assert any("this image has no loader of its own" in said for said in machine.said)


@pytest.mark.parametrize("content", [b"", b"MZ", b"MZ" + bytes(100), OURS[:-5], OURS[:200]])
def test_garbage_has_no_digest(content: bytes) -> None:
    assert loader.digest(content) is None


def test_the_digest_leaves_out_the_signature_and_nothing_else() -> None:
    assert loader.digest(OURS) == loader.digest(loader_of(signature=b"another!!!!!!!"))
    assert loader.digest(OURS) != loader.digest(loader_of(body=b"c0de"))
