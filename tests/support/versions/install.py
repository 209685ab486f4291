# SPDX-License-Identifier: Apache-2.0
"""Lays a version into the other slot of a disk that nobody runs, as systemd-sysupdate leaves it.

A try of a broken version then costs no start of the good one and no download. That an update writes
the same is what the tests of updates show.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support import disk, gpt, programs
from tests.support.versions import slots

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.versions.make import Made
    from tests.support.versions.slots import Role

_STEP = 4 << 20


def install(target: Path, made: Made, replaced: str, tries: int = 3) -> None:
    """Put a version in the place of ``replaced``, with so many tries, none of them made."""
    parts: list[tuple[Role, Path, str]] = [
        ("root", made.root, f"codex-os_{made.version}"),
        ("verity", made.verity, f"codex-os_{made.version}_verity"),
        ("signature", made.signature, f"codex-os_{made.version}_sig"),
    ]
    for role, content, label in parts:
        found = slots.partition(target, replaced, role)
        _write(target, found.offset, content)
        number = str(found.number)
        programs.run("sfdisk", "--quiet", "--part-uuid", target, number, made.uuids[role])
        programs.run("sfdisk", "--quiet", "--part-label", target, number, label)
    esp = gpt.only(gpt.read(target), gpt.ESP)
    where = f"{target}@@{esp.offset}"
    # Whole: a version's name can be the beginning of another's.
    old = re.compile(rf"/EFI/Linux/codex-os(?:-reset)?_{re.escape(replaced)}(?:\+[0-9-]+)?\.efi")
    for path in disk.fat_list(target, esp):
        if old.fullmatch(path):
            programs.run("mdel", "-i", where, f"::{path}")
    disk.fat_write(target, esp, made.reset, f"/EFI/Linux/{made.reset.name}")
    name = f"codex-os_{made.version}+{tries}-0.efi"
    disk.fat_write(target, esp, made.uki, f"/EFI/Linux/{name}")


def _write(target: Path, offset: int, content: Path) -> None:
    with content.open("rb") as source, target.open("r+b") as sink:
        sink.seek(offset)
        while block := source.read(_STEP):
            sink.write(block)
