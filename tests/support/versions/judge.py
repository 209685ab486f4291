# SPDX-License-Identifier: Apache-2.0
"""What will start from a disk that nobody runs: the rules of loader, initrd and dm-verity in short.

systemd-boot takes the newest entry that is not given up. Such an entry starts when its UKI is the
file that was signed, and when root and hash tree are what the root hash in it wants. One that is
counted and does not start gives way to the next; one that is not counted has to start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support import disk, gpt, programs, verity
from tests.support.programs import ProgramError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.gpt import Partition
    from tests.support.versions.lab import Lab

_NAME = re.compile(r"/EFI/Linux/codex-os_([^_+]+)(?:\+(\d+)(?:-\d+)?)?\.efi")


@dataclass(frozen=True)
class Judged:
    """The version that comes up, empty when none does; ``why`` says what was found."""

    starts: str
    why: str


def judge(target: Path, lab: Lab) -> Judged:
    """Say which version of a lab comes up from a disk, whose /var is mended where it has to be."""
    try:
        table = gpt.read(target)
        esp = gpt.only(table, gpt.ESP)
        names = disk.fat_list(target, esp)
        var = gpt.only(table, gpt.VAR)
        # As systemd-fsck does: the journal is replayed, and what can be mended by itself is.
        programs.run("e2fsck", "-p", f"{target}?offset={var.offset}", accept=(0, 1))
    except AssertionError as error:
        return Judged("", f"partition table, ESP or /var: {error}")
    found: list[str] = []
    entries = [(m[1], m[2], name) for name in names if (m := _NAME.fullmatch(name))]
    for version in (lab.second, lab.first):
        for _, left, name in (entry for entry in entries if entry[0] == version):
            if left == "0":
                found.append(f"{name} was given up")
                continue
            fault = _fault(target, table, esp, name, lab, version)
            if fault is None:
                return Judged(version, "; ".join(found))
            found.append(f"{name}: {fault}")
            if left is None:
                return Judged("", "; ".join(found))
    return Judged("", "; ".join(found) or f"no entry of ours in {names}")


def _fault(
    target: Path, table: list[Partition], esp: Partition, name: str, lab: Lab, version: str
) -> str | None:
    """Return why a version would not start, None where it would."""
    scratch = lab.folder / "judged"
    scratch.mkdir(exist_ok=True)
    try:
        uki = disk.fat_read(target, esp, name, scratch / "uki.efi")
    except ProgramError:
        return "its UKI cannot be read"
    signed, root_hash = lab.signed(version)
    if uki.read_bytes() != signed.read_bytes():
        return "its UKI is not what was signed"
    files = []
    for uuid in verity.partition_uuids(root_hash):
        of_it = [partition for partition in table if partition.uuid == uuid]
        if len(of_it) != 1:
            return f"{len(of_it)} partitions are {uuid}"
        files.append(disk.extract(target, of_it[0], scratch / str(uuid)))
    try:
        programs.run("veritysetup", "verify", *files, root_hash)
    except ProgramError:
        return "root and hash tree are not what the UKI wants"
    finally:
        for file in files:
            file.unlink()
    return None
