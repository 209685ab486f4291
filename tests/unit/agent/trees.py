# SPDX-License-Identifier: Apache-2.0
"""Builds the files that hosts of several kinds show in /proc, /sys, /run and /etc."""

from __future__ import annotations

import json
import os
import shutil
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from codex_agent.host.checks import outcome
from codex_agent.host.plain import plain
from codex_agent.host.probes import ASKED, PLACE, Result
from codex_agent.host.reading import Reading
from codex_agent.host.root import Root
from codex_agent.host.snapshot import Judgement, Sample, take
from codex_agent.host.systemd import SOURCE, Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from codex_agent.problem import Problem

HASH = "0123456789abcdef" * 4
ROOT_TYPE = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
VERITY_TYPE = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5"
SIGNATURE_TYPE = "41092b05-9fc8-4523-994f-2def0408b176"
NOW = 1_795_338_000.0  # 2026-11-22T09:00:00Z
GIB = 1024**3
START_OF_VALIDITY = datetime.fromtimestamp(NOW, UTC)

OS_RELEASE = """PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
ID=debian
VERSION_ID="13"
"""
IMAGE_RELEASE = (
    OS_RELEASE
    + "IMAGE_ID=codex-os\nIMAGE_VERSION=0.1.57\nVARIANT_ID=general\nCODEX_COMMIT=0a1b2c3d\n"
)
PRESSURE = (
    "some avg10=0.50 avg60=0.25 avg300=0.00 total=123456\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
)
MEMINFO = "MemTotal:        2028500 kB\nMemFree: 1000 kB\nMemAvailable:    1600000 kB\n"


@dataclass
class Clock:
    """Both clocks, moved by hand."""

    passed: float = 0.0

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def wall(self) -> float:
        return NOW + self.passed


def statvfs(_path: str) -> os.statvfs_result:
    """A file system of 10 GiB of which 4 GiB are left."""
    block = 4096
    total, free = 10 * GIB // block, 4 * GIB // block
    return os.statvfs_result((block, block, total, free, free, 1000, 900, 900, 0, 255))


class Tree:
    """A folder that stands for the root of a host."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.clock = Clock()
        self.statvfs: Callable[[str], os.statvfs_result] = statvfs
        self.facts: Facts | str = Facts("running", [], "qemu")

    def path(self, name: str) -> Path:
        return self.base / name.lstrip("/")

    def put(self, name: str, content: str | bytes, *, age_s: float = 0.0) -> None:
        """Lay a file there, whole: a service that reads the tree meanwhile sees the old or it."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = self.base / f".new-{threading.get_ident()}"
        new.write_bytes(content.encode() if isinstance(content, str) else content)
        if path.exists():
            shutil.copymode(path, new)
        when = self.clock.wall() - age_s
        os.utime(new, (when, when))
        # A link stays one.
        new.replace(path.resolve())

    def link(self, name: str, target: str) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def remove(self, name: str) -> None:
        self.path(name).unlink()

    @property
    def root(self) -> Root:
        return Root(
            str(self.base), self.clock.monotonic, self.clock.wall, lambda p: self.statvfs(p)
        )

    def ask(self, root: Root) -> Reading[Facts]:
        if isinstance(self.facts, str):
            return Reading(None, SOURCE, root.monotonic(), self.facts)
        return Reading(self.facts, SOURCE, root.monotonic())

    def sample(self, problems: Sequence[Problem] = (), *, settled: bool = False) -> Sample:
        agent = outcome("ok", "The service answers.")
        return take(self.root, Judgement(5.0, problems, agent, settled), self.ask)


def base_host(tree: Tree) -> Tree:
    """What every Linux host has."""
    tree.put("/etc/os-release", OS_RELEASE)
    tree.put("/proc/sys/kernel/hostname", "codex\n")
    tree.put("/proc/sys/kernel/osrelease", "7.3.4+deb13-amd64\n")
    tree.put("/proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Debian 7.3.4-1\n")
    tree.put("/proc/sys/kernel/tainted", "0\n")
    tree.put("/proc/sys/kernel/random/boot_id", "c7dd9ef7-7e4b-4609-9683-e062d4e35431\n")
    tree.put("/proc/uptime", "12.34 20.00\n")
    tree.put("/proc/loadavg", "0.10 0.20 0.30 1/100 4242\n")
    tree.put("/proc/meminfo", MEMINFO)
    for what in ("cpu", "memory", "io"):
        tree.put(f"/proc/pressure/{what}", PRESSURE)
    tree.put("/sys/devices/system/cpu/online", "0-1\n")
    tree.put("/sys/module/module/parameters/sig_enforce", "N\n")
    for name, value in {
        "bios_vendor": "EDK II", "bios_version": "2025.02-8", "sys_vendor": "QEMU",
        "product_name": "Standard PC (Q35 + ICH9, 2009)",
    }.items():  # fmt: skip
        tree.put(f"/sys/class/dmi/id/{name}", f"{value}\n")
    disk(tree, "vda", "254:0")
    (tree.base / "sys/bus/pci/devices").mkdir(parents=True)
    gpu(tree, "0000:00:01.0", "0x030000", "0x1234", "0x1111", driver="bochs-drm")
    return tree


def disk(tree: Tree, name: str, device: str) -> None:
    tree.put(f"/sys/block/{name}/size", f"{8 * GIB // 512}\n")
    tree.put(f"/sys/block/{name}/ro", "0\n")
    tree.put(f"/sys/block/{name}/queue/rotational", "0\n")
    tree.put(f"/sys/block/{name}/device/vendor", "0x1af4\n")
    tree.path("/sys/dev/block").mkdir(parents=True, exist_ok=True)
    tree.link(f"/sys/dev/block/{device}", f"../../block/{name}")


def gpu(
    tree: Tree, address: str, kind: str, vendor: str, device: str, *, driver: str | None = None
) -> None:
    here = f"/sys/bus/pci/devices/{address}"
    tree.put(f"{here}/class", f"{kind}\n")
    tree.put(f"{here}/vendor", f"{vendor}\n")
    tree.put(f"{here}/device", f"{device}\n")
    tree.put(f"{here}/numa_node", "-1\n")
    tree.put(f"{here}/power_state", "D0\n")
    if driver:
        tree.link(f"{here}/driver", f"../../../../bus/pci/drivers/{driver}")


def mountinfo(tree: Tree, text: str) -> None:
    """The same table for process 1 and for the reader."""
    for who in ("1", "self"):
        tree.put(f"/proc/{who}/mountinfo", text)


AI_MEMORY = (
    "AI Memory Allocator Status\n===========================\n"
    "Total Pool Size: 256 MB\nBlock Size: 4 KB\nTotal Blocks: 65536\nAllocated: 69632 bytes\n"
    "Filled: 268435456 bytes\nPeak: 131072 bytes\nOrphaned: 4096 bytes\nOwners: 2\nExports: 1\n"
    "\nNode\tFilled\tAllocated\n0\t268435456\t69632\n"
    "\nPID\tUID\tBytes\tCgroup\n977\t0\t4096\t/system.slice/a.service\n0\t65534\t61440\tunavailable\n"
)
AI_GPU = (
    "AI GPU Direct Access Status\n============================\n"
    "Status: Active\nDevice: 1234:11e8\nDMA Buffer: 1 MB\n\nStatistics:\n"
    "  Transfers to GPU: 3\n  Transfers from GPU: 1\n  Bytes to GPU: 0 MB\n  Bytes from GPU: 0 MB\n"
    "  Kernel launches: 2\n  Interrupts: 6\n  Bounced bytes: 0\n  Timeouts: 0\n  Resets: 0\n"
    "  Queued: 0\n  Bytes to GPU (exact): 12288\n  Bytes from GPU (exact): 4096\n"
    "\nObserved Functions:\n"
    "0000:00:01.0\t1234:1111\tdriver=bochs-drm\tlink=unavailable\tmax=unavailable\t"
    "port=unavailable\tport_max=unavailable\tnode=unavailable\tpower=D0\t"
    "aer_correctable=unavailable\taer_uncorrectable=unavailable\n"
    "0000:3b:00.0\t10de:2330\tdriver=none\tlink=16.0 GT/s x8\tmax=32.0 GT/s x16\t"
    "port=16.0 GT/s x8\tport_max=16.0 GT/s x8\tnode=1\tpower=D0\t"
    "aer_correctable=0x00002000\taer_uncorrectable=0x00000000\n"
)


def modules(tree: Tree, *names: str, loaded: bool = True) -> Tree:
    """Modules of ours as packages install them, and what they say while they are loaded."""
    files = {"ai_mem": ("/proc/ai_memory", AI_MEMORY), "ai_gpu": ("/proc/ai_gpu", AI_GPU)}
    for name in names or files:
        folder = "/usr/lib/modules/7.3.4+deb13-amd64/updates/codex"
        tree.put(f"{folder}/{name}.ko.xz", b"\xfd7zXZ\0")
        if loaded:
            tree.put(f"/sys/module/{name}/initstate", "live\n")
            tree.put(*files[name])
    return tree


def mutable_host(tree: Tree) -> Tree:
    base_host(tree)
    partition(tree, 1, "254:1", ROOT_TYPE, "aaaaaaaa-0000-0000-0000-000000000000")
    mountinfo(
        tree,
        "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
        "23 22 0:21 / /proc rw - proc proc rw\n",
    )
    return tree


def partition(tree: Tree, number: int, device: str, kind: str, uuid: str) -> None:
    here = f"/sys/block/vda/vda{number}"
    tree.put(f"{here}/partition", f"{number}\n")
    tree.put(f"{here}/dev", f"{device}\n")
    tree.link(f"/sys/dev/block/{device}", f"../../block/vda/vda{number}")
    tree.put(
        f"/run/udev/data/b{device}",
        f"S:disk/by-partuuid/{uuid}\nE:ID_PART_ENTRY_SCHEME=gpt\nE:ID_PART_ENTRY_TYPE={kind}\n"
        f"E:ID_PART_ENTRY_UUID={uuid}\nE:ID_PART_ENTRY_NUMBER={number}\n"
        "E:ID_PART_ENTRY_DISK=254:0\n",
    )


def as_uuid(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def table_line(*, signed: bool = True) -> str:
    options = " 2 root_hash_sig_key_desc cryptsetup:root" if signed else ""
    return f"root: 0 819200 verity 1 254:4 254:3 4096 4096 102400 1 sha256 {HASH} 00ff{options}\n"


def image(tree: Tree, *, slot: str = "A") -> Tree:
    """An image booted by direct kernel boot, without EFI."""
    base_host(tree)
    tree.put("/etc/os-release", IMAGE_RELEASE)
    tree.put("/proc/cmdline", f"console=ttyS0 roothash={HASH} lockdown=integrity\n")
    tree.put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
    tree.put("/sys/module/dm_verity/parameters/require_signatures", "N\n")
    data, hashes = as_uuid(HASH[:32]), as_uuid(HASH[-32:])
    other = "ffffffff-ffff-ffff-ffff-ffffffffffff"
    running, spare = ((3, 4), (6, 7)) if slot == "A" else ((6, 7), (3, 4))
    partition(tree, running[0], "254:3", VERITY_TYPE, hashes)
    partition(tree, running[1], "254:4", ROOT_TYPE, data)
    partition(tree, spare[0], "254:6", VERITY_TYPE, other)
    partition(tree, spare[1], "254:7", ROOT_TYPE, other)
    partition(tree, 2, "254:2", SIGNATURE_TYPE, other)
    tree.put("/sys/block/dm-0/dm/uuid", "CRYPT-VERITY-0123456789abcdef0123456789abcdef-root\n")
    tree.put("/sys/block/dm-0/dm/name", "root\n")
    tree.link("/sys/dev/block/253:0", "../../block/dm-0")
    for number, device in ((running[0], "254:3"), (running[1], "254:4")):
        tree.link(f"/sys/block/dm-0/slaves/vda{number}", f"../../vda/vda{number}")
        assert tree.path(f"/sys/block/dm-0/slaves/vda{number}/dev").read_text().strip() == device
    mountinfo(
        tree,
        "22 1 253:0 / / ro,relatime shared:1 - erofs /dev/mapper/root ro,user_xattr\n"
        "23 22 254:8 / /var rw,nosuid,nodev shared:2 - ext4 /dev/vda8 rw\n"
        "24 22 0:40 / /efi rw shared:3 - autofs systemd-1 rw,fd=51\n"
        "25 22 0:21 / /proc rw - proc proc rw\n",
    )
    tree.put("/run/codex/verity-status", "root: 0 819200 verity V\n", age_s=3)
    tree.put("/run/codex/verity-table", table_line(), age_s=3)
    probed(tree)
    return modules(tree)


def probed(tree: Tree, *changed: Result, age_s: float = 3.0) -> Tree:
    """What the probes have found: nothing wrong, unless ``changed``."""
    results = {probe.name: Result(probe.name, probe.asks, "ok", "All is well.", None, probe.gates,
                                  probe.limit_s or 0.0, 0.1) for probe in ASKED}  # fmt: skip
    results |= {result.name: result for result in changed}
    content = {
        "schema": 1, "taken_at": "2026-11-22T09:00:00Z",
        "monotonic_s": tree.clock.monotonic() - age_s,
        "results": [plain(result) for result in results.values()],
    }  # fmt: skip
    tree.put(PLACE, json.dumps(content))
    return tree


def image_secure_boot(tree: Tree, *, slot: str = "A") -> Tree:
    """An image booted by OVMF with Secure Boot on."""
    image(tree, slot=slot)
    name = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    tree.put(f"/sys/firmware/efi/efivars/{name}", b"\x06\0\0\0\x01")
    return tree


def corrupted(tree: Tree) -> Tree:
    image_secure_boot(tree)
    tree.put("/run/codex/verity-status", "root: 0 819200 verity C\n", age_s=3)
    return tree


def failing(tree: Tree, *units: str) -> Tree:
    assert isinstance(tree.facts, Facts)
    tree.facts = replace(tree.facts, failed=list(units))
    return tree
