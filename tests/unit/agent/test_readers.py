# SPDX-License-Identifier: Apache-2.0
"""Each reader on its own, where a whole host would hide the case."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from codex_agent.host import filesystems, mounts, pci, slot, verity
from codex_agent.host.reading import Ledger, Reading, Unreadable
from codex_agent.host.rootdevice import RootDevice, find
from tests.unit.agent import trees
from tests.unit.agent.trees import GIB, HASH, Tree

if TYPE_CHECKING:
    from codex_agent.host.model import Filesystem


def device(tree: Tree) -> Reading[RootDevice]:
    return find(tree.root, mounts.host_table(tree.root))


def read_filesystems(tree: Tree) -> tuple[list[Filesystem], Ledger]:
    ledger = Ledger()
    found = filesystems.read(tree.root, mounts.host_table(tree.root), ledger)
    assert found is not None
    return found, ledger


def test_slot_b(tree: Tree) -> None:
    trees.image(tree, slot="B")
    assert slot.read(tree.root, device(tree)).value == "B"


def test_slot_of_the_only_root_is_a(tree: Tree) -> None:
    trees.image(tree)
    tree.remove("/sys/block/vda/vda7/partition")
    assert slot.read(tree.root, device(tree)).value == "A"


def test_third_root_is_no_slot(tree: Tree) -> None:
    trees.image(tree, slot="B")
    trees.partition(tree, 5, "254:5", trees.ROOT_TYPE, "eeeeeeee-0000-0000-0000-000000000000")
    reading = slot.read(tree.root, device(tree))
    assert reading.value is None
    assert "neither the first nor the second" in str(reading.reason)


def test_slot_needs_udev(tree: Tree) -> None:
    trees.image(tree)
    tree.remove("/run/udev/data/b254:4")
    reading = slot.read(tree.root, device(tree))
    assert reading.value is None
    assert "/run/udev/data/b254:4 does not exist" in str(reading.reason)


@pytest.mark.parametrize(("age", "state"), [(119.0, "active"), (121.0, None), (-30.0, None)])
def test_verity_state_must_be_fresh(tree: Tree, age: float, state: str | None) -> None:
    trees.image(tree)
    tree.put("/run/codex/verity-status", "root: 0 819200 verity V\n", age_s=age)
    reading = verity.state(tree.root, device(tree))
    assert reading.value == state
    if state is None:
        assert "old" in str(reading.reason) or "future" in str(reading.reason)


def test_verity_state_is_that_of_the_root(tree: Tree) -> None:
    trees.image(tree)
    both = "data: 0 100 verity C\nroot: 0 819200 verity V -\n"
    tree.put("/run/codex/verity-status", both)
    assert verity.state(tree.root, device(tree)).value == "active"
    tree.put("/run/codex/verity-status", "data: 0 100 verity V\n")
    assert verity.state(tree.root, device(tree)).value is None


def test_root_hash_from_the_table_wins(tree: Tree) -> None:
    trees.image(tree)
    tree.put("/proc/cmdline", "roothash=" + "ff" * 32)
    facts = verity.table(tree.root, device(tree))
    assert verity.root_hash(tree.root, device(tree), facts).value == HASH


def test_root_hash_from_the_command_line_needs_the_partitions(tree: Tree) -> None:
    trees.image(tree)
    tree.remove("/run/codex/verity-table")
    facts = verity.table(tree.root, device(tree))
    assert verity.root_hash(tree.root, device(tree), facts).value == HASH
    tree.put("/proc/cmdline", "roothash=" + "ff" * 32)
    reading = verity.root_hash(tree.root, device(tree), facts)
    assert reading.value is None
    assert "not that of the partitions" in str(reading.reason)


@pytest.mark.parametrize(
    ("required", "table", "expected"),
    [("Y", None, True), ("N", True, True), ("N", False, False), ("N", None, None)],
)
def test_signature(tree: Tree, required: str, table: bool | None, expected: bool | None) -> None:
    trees.image(tree)
    tree.put("/sys/module/dm_verity/parameters/require_signatures", f"{required}\n")
    if table is None:
        tree.remove("/run/codex/verity-table")
    else:
        tree.put("/run/codex/verity-table", trees.table_line(signed=table))
    facts = verity.table(tree.root, device(tree))
    reading = verity.signed(tree.root, device(tree), facts)
    assert reading.value is expected
    assert (reading.reason is None) is (expected is not None)


def test_filesystems_of_an_image(tree: Tree) -> None:
    trees.image(tree)
    found, _ = read_filesystems(tree)
    assert [(f.mount, f.type, f.read_only) for f in found] == [
        ("/", "erofs", True),
        ("/var", "ext4", False),
    ]
    assert found[1].total_bytes == 10 * GIB
    assert found[1].available_bytes == 4 * GIB


def test_remote_and_on_demand_file_systems_are_not_asked(tree: Tree) -> None:
    trees.mutable_host(tree)
    trees.mountinfo(
        tree,
        "22 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
        "30 22 0:50 / /srv rw - nfs4 server:/srv rw\n"
        "31 22 0:51 / /efi rw - autofs systemd-1 rw\n"
        "32 31 254:9 / /efi rw - vfat /dev/vda9 rw\n"
        "33 22 0:52 / /run rw - tmpfs tmpfs rw\n"
        "34 22 0:53 / /var/lib/x/merged rw - overlay overlay rw\n",
    )
    asked: list[str] = []

    def note(path: str) -> os.statvfs_result:
        asked.append(path)
        return trees.statvfs(path)

    tree.statvfs = note
    found, ledger = read_filesystems(tree)
    assert [f.mount for f in found] == ["/", "/srv", "/efi"]
    assert len(asked) == 1
    assert "remote" in str(ledger.entries["filesystems./srv.total_bytes"].reason)
    assert "on demand" in str(ledger.entries["filesystems./efi.total_bytes"].reason)


def test_the_sandbox_does_not_change_what_is_told(tree: Tree) -> None:
    """A service sees everything read-only and /home replaced; the host is described, not that."""
    trees.mutable_host(tree)
    tree.put(
        "/proc/1/mountinfo",
        "22 1 254:1 / / rw - ext4 /dev/vda1 rw\n23 22 254:2 / /home rw - ext4 /dev/vda2 rw\n",
    )
    tree.put(
        "/proc/self/mountinfo",
        "22 1 254:1 / / ro - ext4 /dev/vda1 rw\n"
        "23 22 254:2 / /home ro - ext4 /dev/vda2 rw\n"
        "24 23 0:60 / /home ro - tmpfs tmpfs ro\n",
    )
    found, ledger = read_filesystems(tree)
    assert [f.read_only for f in found] == [False, False]
    assert found[0].total_bytes == 10 * GIB
    assert found[1].total_bytes is None
    assert "sandbox" in str(ledger.entries["filesystems./home.total_bytes"].reason)


def test_bind_mounts_show_once_and_names_are_unescaped(tree: Tree) -> None:
    trees.mutable_host(tree)
    tree.put(
        "/proc/1/mountinfo",
        b"22 1 254:1 /a /mnt/x\\040y rw - ext4 /dev/vda1 rw\n"
        b"23 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
        b"24 1 254:2 / /mnt/\xff rw - ext4 /dev/vda2 rw\n"
        b"25 1 254:3 / /mnt/p\\040q rw - ext4 /dev/vda3 rw\n",
    )
    found, _ = read_filesystems(tree)
    assert [f.mount for f in found] == ["/", "/mnt/\\xff", "/mnt/p q"]


def test_pci_kinds_drivers_and_links(tree: Tree) -> None:
    trees.base_host(tree)
    trees.gpu(tree, "0000:01:00.0", "0x030200", "0x10de", "0x2330")
    trees.gpu(tree, "0000:02:00.0", "0x120000", "0x1da3", "0x1000", driver="habanalabs")
    trees.gpu(tree, "0000:03:00.0", "0x020000", "0x8086", "0x100e", driver="e1000")
    here = "/sys/bus/pci/devices/0000:02:00.0"
    for name, value in {
        "current_link_speed": "16.0 GT/s PCIe", "max_link_speed": "32.0 GT/s PCIe",
        "current_link_width": "8", "max_link_width": "16", "numa_node": "1",
    }.items():  # fmt: skip
        tree.put(f"{here}/{name}", f"{value}\n")
    ledger = Ledger()
    found = pci.read(tree.root, ledger)
    assert found is not None
    assert [(f.address, f.kind) for f in found] == [
        ("0000:00:01.0", "display"),
        ("0000:01:00.0", "display"),
        ("0000:02:00.0", "accelerator"),
    ]
    accelerator = found[2]
    assert accelerator.driver == "habanalabs"
    assert accelerator.link_speed_gts == 16.0
    assert accelerator.link_speed_max_gts == 32.0
    assert (accelerator.link_width, accelerator.link_width_max) == (8, 16)
    assert accelerator.numa_node == 1
    assert ledger.entries["pci.0000:01:00.0.driver"].reason == "no driver is bound"
    assert "no PCI Express link" in str(ledger.entries["pci.0000:01:00.0.link_width"].reason)


def test_a_function_without_power_is_not_woken(tree: Tree) -> None:
    trees.base_host(tree)
    here = "/sys/bus/pci/devices/0000:00:01.0"
    tree.put(f"{here}/power_state", "D3cold\n")
    tree.put(f"{here}/current_link_speed", "16.0 GT/s PCIe\n")
    ledger = Ledger()
    found = pci.read(tree.root, ledger)
    assert found is not None
    assert found[0].link_speed_gts is None
    assert ledger.entries["pci.0000:00:01.0.link_speed_gts"].reason == "the function is powered off"


def test_a_fifo_in_the_place_of_a_file_does_not_block(tree: Tree) -> None:
    os.mkfifo(tree.path("pipe"))
    assert tree.root.data("/pipe") == b""


def test_long_files_are_refused(tree: Tree) -> None:
    tree.put("/long", b"x" * 11)
    assert tree.root.data("/long", 11) == b"x" * 11
    with pytest.raises(Unreadable, match="longer than 10 bytes"):
        tree.root.data("/long", 10)
