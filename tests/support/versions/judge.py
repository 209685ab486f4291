# SPDX-License-Identifier: Apache-2.0
"""What will start from a disk that nobody runs: the rules of loader, initrd and dm-verity in short.

systemd-boot takes the newest entry that is not given up. Such an entry starts when its UKI is the
file that was signed, and when root and hash tree are what the root hash in it wants. One that is
counted and does not start gives way to the next; one that is not counted has to start. An empty
file is no entry, whatever its name: systemd-boot lists only UKIs whose sections it can read. Linux
leaves one where a file is renamed on a FAT and the power is cut before its size follows the name.
Entries for a reset are none that it starts.

A judge sees many cuts of one log. Partitions to which the same was written are looked at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support import disk, gpt, programs, verity
from tests.support.programs import ProgramError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.gpt import Partition
    from tests.support.replay import Cut
    from tests.support.versions.lab import Lab

_NAME = re.compile(r"/EFI/Linux/codex-os_([^_+]+)(?:\+(\d+)(?:-\d+)?)?\.efi")


@dataclass(frozen=True)
class Judged:
    """The version that comes up, empty when none does; ``why`` says what was found."""

    starts: str
    why: str


class Judge:
    """Judges the cuts of one replay; none of them is changed."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._scratch = lab.folder / "judged"
        self._scratch.mkdir(exist_ok=True)
        self._known: dict[object, str | None] = {}

    def judge(self, cut: Cut) -> Judged:
        """Say which version comes up; /var has to be one that is mended where that is needed."""
        try:
            table = gpt.read(cut.disk)
            esp = gpt.only(table, gpt.ESP)
            names = disk.fat_list(cut.disk, esp)
            var = gpt.only(table, gpt.VAR)
        except AssertionError as error:
            return Judged("", f"partition table or ESP: {error}")
        lost = self._once(cut, [var], "", lambda: self._not_mended(cut, var))
        if lost is not None:
            return Judged("", lost)
        found: list[str] = []
        entries = [(m[1], m[2], name) for name in names if (m := _NAME.fullmatch(name))]
        for version in (self._lab.second, self._lab.first):
            for _, left, name in (entry for entry in entries if entry[0] == version):
                if left == "0":
                    found.append(f"{name} was given up")
                    continue
                try:
                    uki = disk.fat_read(cut.disk, esp, name, self._scratch / "uki.efi")
                except ProgramError:
                    fault: str | None = "its UKI cannot be read"
                else:
                    if not uki.stat().st_size:
                        found.append(f"{name} is empty")
                        continue
                    fault = self._fault(cut, table, uki, version)
                if fault is None:
                    return Judged(version, "; ".join(found))
                found.append(f"{name}: {fault}")
                if left is None:
                    return Judged("", "; ".join(found))
        return Judged("", "; ".join(found) or f"no entry of ours in {names}")

    def _fault(self, cut: Cut, table: list[Partition], uki: Path, version: str) -> str | None:
        """Return why a version would not start, None where it would."""
        signed, root_hash = self._lab.signed(version)
        if uki.read_bytes() != signed.read_bytes():
            return "its UKI is not what was signed"
        parts = []
        for uuid in verity.partition_uuids(root_hash):
            of_it = [partition for partition in table if partition.uuid == uuid]
            if len(of_it) != 1:
                return f"{len(of_it)} partitions are {uuid}"
            parts += of_it
        return self._once(cut, parts, root_hash, lambda: self._not_verified(cut, parts, root_hash))

    def _not_mended(self, cut: Cut, var: Partition) -> str | None:
        """Do to a copy of /var what systemd-fsck does: its journal is replayed, faults mended."""
        copy = disk.extract(cut.disk, var, self._scratch / "var")
        try:
            programs.run("e2fsck", "-p", copy, accept=(0, 1))
        except ProgramError as error:
            return f"/var: {error}"
        finally:
            copy.unlink()
        return None

    def _not_verified(self, cut: Cut, parts: list[Partition], root_hash: str) -> str | None:
        files = [disk.extract(cut.disk, part, self._scratch / str(part.uuid)) for part in parts]
        try:
            programs.run("veritysetup", "verify", *files, root_hash)
        except ProgramError:
            return "root and hash tree are not what the UKI wants"
        finally:
            for file in files:
                file.unlink()
        return None

    def _once(
        self, cut: Cut, parts: list[Partition], what: str, find: Callable[[], str | None]
    ) -> str | None:
        """Look for a fault of partitions, unless one cut before had the same written to them."""
        places = [(part.offset, part.size) for part in parts]
        key = (what, *((place, cut.history(*place)) for place in places))
        if key not in self._known:
            self._known[key] = find()
        return self._known[key]
