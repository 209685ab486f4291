# SPDX-License-Identifier: Apache-2.0
"""The firmware starts what we signed and nothing else.

test_secure_boot.py is the control: the same firmware, keys and disk, with the UKI as it was built.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import disk, gpt, guests, milestones, serial_logs, timeouts, uki
from tests.support.artefacts import Artefacts

pytestmark = pytest.mark.guest


def _unsigned(efi: Path) -> None:
    uki.strip_signatures(efi)


def _signed_by_another(efi: Path) -> None:
    uki.strip_signatures(efi)
    key, certificate = uki.foreign_key(efi.parent)
    uki.sign(efi, key, certificate)
    assert len(uki.signers(efi)) == 1


@pytest.mark.parametrize("change", [_unsigned, _signed_by_another])
def test_firmware_refuses(
    artefacts: Artefacts, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    copy = disk.copy_sparse(artefacts.disk, tmp_path / "disk.raw")
    esp = gpt.only(gpt.read(copy), gpt.ESP)
    paths = [p for p in disk.fat_list(copy, esp) if p.upper().startswith("/EFI/LINUX/")]
    # The entry for a factory reset as well: nothing that is left may start in its place.
    assert len(paths) == 2
    for path in paths:
        efi = disk.fat_read(copy, esp, path, tmp_path / Path(path).name)
        change(efi)
        disk.fat_write(copy, esp, efi, path)

    name = f"refused{change.__name__.replace('_', '-')}"
    with guests.started(guests.specification(name, "ovmf", disk=copy)) as guest:
        end = f"{milestones.NOTHING_TO_BOOT}|{milestones.KERNEL_RUNS}"
        guest.wait_for_serial(end, timeouts.REFUSAL_S)
        log = serial_logs.plain(guest.serial_log)
    assert re.search(milestones.REFUSED, log)
    assert not re.search(milestones.KERNEL_RUNS, log)
