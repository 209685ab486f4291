# SPDX-License-Identifier: Apache-2.0
"""A release that is larger than the other slot is refused while that slot is still whole."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from codex_agent.host.reading import Unreadable
from codex_agent.update import applying, slots
from codex_agent.update.check import check
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Wish
from tests.unit.agent import trees
from tests.unit.agent.update import partitions
from tests.unit.agent.update.hosts import OLD, RUNNING
from tests.unit.agent.update.releases import CHUNK, root_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"
MIB = 1024**2


def refused(machine: Host, folder: Folder, *, before: int = 0) -> UpdateError:
    """Apply, and see that nothing is moved or removed; so many files lay in the stage before."""
    entries = machine.entries()
    with machine.updater(str(folder.path)).alone() as turn, pytest.raises(UpdateError) as caught:
        applying.apply(turn, Wish())
    assert caught.value.kind is Exit.SPACE
    assert (machine.entries(), machine.slots) == (entries, {OLD: True, RUNNING: True})
    assert not [call for call in machine.calls if "update" in call[-2:]]
    stage = machine.base / "var/lib/codex/update/stage"
    assert len(list(stage.glob("*"))) == before
    return caught.value


def test_sizes_are_those_of_the_other_slot(machine: Host) -> None:
    partitions.resize(machine.base, 1, "root", MIB)
    found = slots.sizes(machine.system.root, RUNNING)
    assert found == {"root": 2048 * MIB, "verity": 32 * MIB, "signature": 16 * 1024}
    partitions.resize(machine.base, 0, "signature", 512)
    assert slots.sizes(machine.system.root, RUNNING)["signature"] == 512


@pytest.mark.parametrize(("second", "third"), [(MIB, 2048 * MIB), (2048 * MIB, MIB)])
def test_the_smallest_of_several_counts(machine: Host, second: int, third: int) -> None:
    """Which of them systemd-sysupdate takes is not known here."""
    tree = trees.Tree(machine.base)
    trees.partition(tree, 9, "254:9", trees.ROOT_TYPE, f"{9:032x}")
    tree.put("/sys/block/vda/vda9/size", f"{third // 512}\n")
    path = tree.path("/run/udev/data/b254:9")
    path.write_text(path.read_text() + "E:ID_PART_ENTRY_NAME=_empty\n")
    partitions.resize(machine.base, 0, "root", second)
    assert slots.sizes(machine.system.root, RUNNING)["root"] == MIB


@pytest.mark.parametrize("label", ["_empty", r"codex-os_0.2\x7erc1", f"codex-os_{NEW}"])
def test_what_the_other_slot_holds_does_not_matter(machine: Host, label: str) -> None:
    partitions.label(machine.base, 0, "root", label)
    assert slots.sizes(machine.system.root, RUNNING)["root"] == 2048 * MIB


def test_a_version_whose_label_udev_writes_otherwise(machine: Host) -> None:
    partitions.label(machine.base, 1, "root", r"codex-os_0.2\x7erc1")
    partitions.resize(machine.base, 1, "root", MIB)
    assert slots.sizes(machine.system.root, "0.2~rc1")["root"] == 2048 * MIB


def test_a_partition_of_somebody_else_is_not_ours_to_write(machine: Host) -> None:
    partitions.label(machine.base, 0, "root", "another system")
    with pytest.raises(Unreadable, match="no partition for another root"):
        slots.sizes(machine.system.root, RUNNING)


@pytest.mark.parametrize(("role", "word", "size", "wanted"), [
    ("root", "root", 64 * CHUNK - 512, 64 * CHUNK),
    ("verity", "hash tree", 8704, 9000),
    ("signature", "signature", 1536, 2000),
])  # fmt: skip
def test_one_that_does_not_fit(
    machine: Host, folder: Folder, role: str, word: str, size: int, wanted: int
) -> None:
    folder.add(NEW)
    partitions.resize(machine.base, 0, role, size)
    error = refused(machine, folder)
    assert error.message == (
        f"Version {NEW} does not fit into the other slot: its {word} has {wanted} bytes, "
        f"and the partition {size} bytes."
    )
    found = check(machine.updater(str(folder.path)), Wish())
    assert found.refused is not None
    assert (found.refused.message, found.exit) == (error.message, Exit.SPACE)


def test_one_that_just_fits(machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    partitions.resize(machine.base, 0, "root", len(root_of(1)))
    with machine.updater(str(folder.path)).alone() as turn:
        assert applying.apply(turn, Wish()).changed


def without_size(machine: Host) -> None:
    (machine.base / "sys/block/vda/vda4/size").unlink()


def with_another_size(machine: Host) -> None:
    (machine.base / "sys/block/vda/vda4/size").write_text("large\n")


def without_mapping(machine: Host) -> None:
    shutil.rmtree(machine.base / "sys/block/dm-0")


def without_mounts(machine: Host) -> None:
    (machine.base / "proc/1/mountinfo").unlink()


def without_udev(machine: Host) -> None:
    (machine.base / "run/udev/data/b254:2").unlink()


@pytest.mark.parametrize(("change", "reason"), [
    (without_size, "vda4/size does not exist"),
    (with_another_size, "vda4/size has unexpected content"),
    (without_mapping, "the root is not one of two sealed slots"),
    (without_mounts, "/proc/1/mountinfo does not exist"),
    (without_udev, "/run/udev/data/b254:2 does not exist"),
])  # fmt: skip
def test_a_size_that_cannot_be_read_is_not_guessed(
    machine: Host, folder: Folder, change: Callable[[Host], None], reason: str
) -> None:
    folder.add(NEW)
    change(machine)
    error = refused(machine, folder)
    said = f"It is not known whether version {NEW} fits into the other slot: "
    assert error.message.startswith(said)
    assert reason in error.message
    assert error.hint


def test_what_was_fetched_before_is_asked_again(machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    with machine.updater(str(folder.path)).alone() as turn:
        applying.apply(turn, Wish(fetch_only=True))
    stage = machine.base / "var/lib/codex/update/stage"
    partitions.resize(machine.base, 0, "root", 4096)
    folder.path.rename(folder.path.with_name("pulled-out"))
    error = refused(machine, folder, before=len(list(stage.iterdir())))
    assert "does not fit into the other slot" in error.message
