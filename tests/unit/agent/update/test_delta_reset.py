# SPDX-License-Identifier: Apache-2.0
"""The entry for a factory reset: put together from the new UKI, and part of every version."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import applying, boot, space
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Wish
from codex_agent.update.program import Done
from codex_agent.update.release import parse
from tests.unit.agent.update import releases
from tests.unit.agent.update.deltas import VERSION, apply, chunks_of, cut_after
from tests.unit.agent.update.hosts import GIB, OLD, RUNNING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.versions.server import Server
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

RESET = f"codex-os_{VERSION}_x86-64.reset.efi"
UKI = f"codex-os_{VERSION}_x86-64.efi"


def staged(machine: Host) -> bytes:
    return (machine.base / "var/lib/codex/update/stage" / RESET).read_bytes()


def own_chunk() -> str:
    (found,) = set(chunks_of(releases.reset_of(1))) - set(chunks_of(releases.uki_of(1)))
    return found


def test_only_what_differs_from_the_new_uki_is_moved(
    machine: Host, folder: Folder, server: Server
) -> None:
    folder.add(VERSION)
    apply(machine, server.url)
    assert staged(machine) == releases.reset_of(1)
    before = set(chunks_of(releases.uki_of(0)))
    wanted = set(chunks_of(releases.uki_of(1))) | set(chunks_of(releases.reset_of(1)))
    moved = {name for name in wanted if server.sent[name]}
    # One chunk of the new UKI and one of the entry: none is moved for both.
    assert moved == wanted - before
    assert len(moved) == 2
    assert own_chunk() in moved
    assert [name for name, _ in server.asked].count(own_chunk()) == 1
    assert server.sent[RESET] == 0
    assert machine.said == []
    seeds = [word for call in machine.started("casync") for word in call if "--seed=" in word]
    assert seeds[1] == f"--seed={machine.base}/var/lib/codex/update/stage/{UKI}"


def test_it_is_written_with_the_version_and_goes_with_it(machine: Host, folder: Folder) -> None:
    folder.add(VERSION)
    with machine.updater(str(folder.path)).alone() as turn:
        applying.apply(turn, Wish())
    assert machine.resets() == [f"codex-os-reset_{v}.efi" for v in (RUNNING, VERSION)]
    place = machine.base / "efi/EFI/Linux" / boot.reset_file(VERSION)
    assert place.read_bytes() == releases.reset_of(1)


def test_it_is_no_version_for_anybody(machine: Host) -> None:
    assert [entry.version for entry in boot.entries(machine.system.root)] == [OLD, RUNNING]
    assert boot.parse(boot.reset_file(RUNNING)) is None
    # It was started once by hand, and is what a person may start once more.
    machine.variable(boot.ONESHOT, boot.reset_file(RUNNING))
    assert boot.starts_next(boot.read(machine.system.root)) == RUNNING


def test_a_release_without_it_is_refused(machine: Host, folder: Folder) -> None:
    described = folder.add(VERSION)
    described["files"] = [f for f in described["files"] if f["role"] != "reset"]
    folder.describe(VERSION, described)
    with pytest.raises(UpdateError, match="no file has the role reset") as caught:
        apply(machine, str(folder.path))
    assert caught.value.kind is Exit.MALFORMED


def without_index(machine: Host, folder: Folder) -> None:
    folder.add(VERSION, reset_index=False)


def without_its_chunk(machine: Host, folder: Folder) -> None:
    (folder.path / own_chunk()).unlink()


def with_a_lie(machine: Host, folder: Folder) -> None:
    """What casync makes of it is another file; of all others it is the true one."""

    def lie(argv: object) -> Done | None:
        return Done(0, "", "") if str(argv).count("reset") else None

    machine.before["casync"] = lie


@pytest.mark.parametrize(("change", "reason"), [
    (without_index, "this release has no index of chunks for it"),
    (without_its_chunk, "the source lacks the chunk"),
    (with_a_lie, "what casync put together is not what was signed"),
])  # fmt: skip
def test_the_whole_entry_for_a_reason(
    machine: Host, folder: Folder, server: Server, change: object, reason: str
) -> None:
    folder.add(VERSION)
    change(machine, folder)  # type: ignore[operator]
    outcome = apply(machine, server.url)
    assert staged(machine) == releases.reset_of(1)
    assert server.sent[RESET] == len(releases.reset_of(1))
    (said,) = machine.said
    assert said.startswith("The whole entry for a reset is fetched: ")
    assert reason in said
    # UKI and root do not lose their own way by that.
    assert (outcome.uki_because, outcome.whole_because) == (None, None)


def test_a_bit_of_the_whole_entry(machine: Host, folder: Folder) -> None:
    folder.add(VERSION, reset_index=False)
    content = bytearray((folder.path / RESET).read_bytes())
    content[100] ^= 1
    (folder.path / RESET).write_bytes(content)
    with pytest.raises(UpdateError) as caught:
        apply(machine, str(folder.path))
    assert caught.value.kind is Exit.DIFFERENT
    assert machine.resets() == [f"codex-os-reset_{v}.efi" for v in (RUNNING, OLD)]


def test_a_cut_root_does_not_bring_it_again(machine: Host, folder: Folder, server: Server) -> None:
    folder.add(VERSION)
    here = chunks_of(releases.root_of(0))
    last = [name for name in chunks_of(releases.root_of(1)) if name not in here][-1]
    server.behaviours[last] = cut_after(100)
    with pytest.raises(UpdateError):
        apply(machine, server.url)
    server.behaviours.clear()
    server.sent.clear()
    apply(machine, server.url)
    assert server.sent[own_chunk()] == server.sent[RESET] == 0


def test_room_for_both_ukis_is_asked_for(machine: Host, folder: Folder) -> None:
    folder.add(VERSION)
    release = parse((folder.path / f"codex-os_{VERSION}_x86-64.release.json").read_bytes())
    want = len(releases.uki_of(1)) + len(releases.reset_of(1)) + space.ESP_MARGIN
    goes = len(releases.uki_of(0)) + len(releases.reset_of(0))

    def judge(left: int) -> None:
        def free(path: Path) -> int:
            return left if path == machine.system.entries else GIB

        system = replace(machine.system, free=free)
        space.enough(system, release, boot.read(system.root))

    judge(want - goes)
    with pytest.raises(UpdateError, match=r"Too little space in .*EFI/Linux") as caught:
        judge(want - goes - 1)
    assert caught.value.kind is Exit.SPACE
    # What an interrupted run has written is not written again.
    machine.put(f"/efi/EFI/Linux/{boot.reset_file(VERSION)}", releases.reset_of(1))
    judge(want - goes - len(releases.reset_of(1)))
    machine.put(f"/efi/EFI/Linux/codex-os_{VERSION}+3-0.efi", releases.uki_of(1))
    judge(0)
