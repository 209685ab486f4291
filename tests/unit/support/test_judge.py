# SPDX-License-Identifier: Apache-2.0
"""Which version the judge sees come up, and what it looks at only once; no real disk is needed."""

from __future__ import annotations

import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import disk, gpt, programs, verity
from tests.support.gpt import Partition
from tests.support.replay import Cut, Part
from tests.support.versions.judge import Judge, Judged

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST, SECOND = "1", "1.1"
HASHES = {FIRST: "a" * 32 + "b" * 32, SECOND: "c" * 32 + "d" * 32}


class Disk:
    """A planted disk: UKIs of the ESP by name, partitions, and programs that find faults."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ukis = {
            f"/EFI/Linux/codex-os_{SECOND}+3-0.efi": SECOND,
            f"/EFI/Linux/codex-os_{FIRST}.efi": FIRST,
        }
        self.faulty: set[str] = set()
        self.ran: list[str] = []
        self.parts: list[Part] = []
        self.table = [self._partition(1, gpt.ESP), self._partition(2, gpt.VAR)]
        for digest in HASHES.values():
            for name in verity.partition_uuids(digest):
                self.table.append(self._partition(len(self.table) + 1, gpt.ROOT, name))
        self.lab: Any = SimpleNamespace(first=FIRST, second=SECOND, folder=folder)
        self.lab.signed = lambda version: (folder / version, HASHES[version])
        for version in (FIRST, SECOND):
            (folder / version).write_text(version)
        monkeypatch.setattr(gpt, "read", lambda target: self.table)
        monkeypatch.setattr(disk, "fat_list", lambda target, esp: sorted(self.ukis))
        monkeypatch.setattr(disk, "fat_read", self._fat_read)
        monkeypatch.setattr(disk, "extract", self._extract)
        monkeypatch.setattr(programs, "run", self._run)

    @staticmethod
    def _partition(number: int, kind: uuid.UUID, name: uuid.UUID | None = None) -> Partition:
        return Partition(number, kind, name or uuid.uuid4(), f"p{number}", number * 100, 100, False)

    def _fat_read(self, target: Path, esp: Partition, name: str, to: Path) -> Path:
        to.write_text(self.ukis[name])
        return to

    def _extract(self, target: Path, partition: Partition, to: Path) -> Path:
        to.write_text("")
        return to

    def _run(self, program: str, *words: str | Path, accept: Sequence[int] = (0,)) -> None:
        self.ran.append(f"{program} {words[-1] if program == 'veritysetup' else ''}".strip())
        if self.ran[-1] in self.faulty:
            raise programs.ProgramError(f"{program} found a fault")

    @property
    def cut(self) -> Cut:
        return Cut(Path("disk"), list(self.parts))


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


def _judge(planted: Disk) -> Judged:
    return Judge(planted.lab).judge(planted.cut)


def test_the_newer_version_starts(planted: Disk) -> None:
    assert _judge(planted) == Judged(SECOND, "")


@pytest.mark.parametrize("kept", ["+3-0", "+1-2", ""])
def test_slot_that_is_not_what_was_made(planted: Disk, kept: str) -> None:
    """While its tries are counted the other version follows; later nothing does."""
    planted.ukis = {
        f"/EFI/Linux/codex-os_{SECOND}{kept}.efi": SECOND,
        f"/EFI/Linux/codex-os_{FIRST}.efi": FIRST,
    }
    planted.faulty = {f"veritysetup {HASHES[SECOND]}"}
    found = _judge(planted)
    assert found.starts == (FIRST if kept else "")
    assert "not what the UKI wants" in found.why


def test_uki_that_is_torn(planted: Disk) -> None:
    planted.ukis[f"/EFI/Linux/codex-os_{SECOND}+3-0.efi"] = "torn"
    assert _judge(planted).starts == FIRST
    planted.ukis[f"/EFI/Linux/codex-os_{FIRST}.efi"] = "torn"
    assert _judge(planted).starts == ""


def test_empty_file_is_no_entry_even_where_no_try_is_counted(planted: Disk) -> None:
    planted.ukis = {
        f"/EFI/Linux/codex-os_{SECOND}.efi": "",
        f"/EFI/Linux/codex-os_{FIRST}.efi": FIRST,
    }
    found = _judge(planted)
    assert found.starts == FIRST
    assert "is empty" in found.why


def test_version_that_was_given_up(planted: Disk) -> None:
    planted.ukis = {
        f"/EFI/Linux/codex-os_{SECOND}+0-3.efi": SECOND,
        f"/EFI/Linux/codex-os_{FIRST}.efi": FIRST,
    }
    assert _judge(planted).starts == FIRST


def test_partition_that_is_missing_or_twice_there(planted: Disk) -> None:
    planted.table.append(planted.table[4])
    found = _judge(planted)
    assert found.starts == FIRST
    assert "2 partitions are" in found.why


def test_state_that_cannot_be_mended(planted: Disk) -> None:
    planted.faulty = {"e2fsck"}
    assert _judge(planted) == Judged("", "/var: e2fsck found a fault")


def test_partitions_are_looked_at_again_when_something_else_was_written_to_them(
    planted: Disk,
) -> None:
    judge = Judge(planted.lab)
    check = f"veritysetup {HASHES[SECOND]}"
    for part, ran in (
        (None, ["e2fsck", check]),
        (Part(0, 100, 100), []),  # the ESP
        (Part(1, 250, 10), ["e2fsck"]),
        (Part(2, 590, 20), [check]),
        (None, []),
        (Part(3, 310, 10), []),  # the slot of the first version, which is not asked
    ):
        planted.ran.clear()
        planted.parts += [part] if part else []
        assert judge.judge(planted.cut).starts == SECOND
        assert planted.ran == ran
    planted.parts[2] = Part(2, 590, 19)
    planted.faulty = {check}
    assert judge.judge(planted.cut).starts == FIRST
    planted.parts[2] = Part(2, 590, 20)
    assert judge.judge(planted.cut).starts == SECOND
