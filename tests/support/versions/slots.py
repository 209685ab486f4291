# SPDX-License-Identifier: Apache-2.0
"""Bits that flip in what was written to a disk: root, hash tree, signature, UKI.

A version is looked for in the partition table of a disk, which is a raw file or a block device.
Offsets are those of the whole disk, so that a test can invert the same bit on any copy of it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support import disk, erofs, gpt, programs
from tests.support.gpt import Partition

Role = Literal["root", "verity", "signature"]
_TYPES = {
    "root": (gpt.ROOT, ""),
    "verity": (gpt.ROOT_VERITY, "_verity"),
    "signature": (gpt.ROOT_VERITY_SIGNATURE, "_sig"),
}
#: A file that every boot reads, before anything of the root has run.
FIRST_READ = "/usr/lib/systemd/systemd"


@dataclass(frozen=True)
class Flip:
    """A bit of a disk: ``flip`` inverts it, and inverts it back."""

    offset: int
    what: str

    def flip(self, target: Path) -> None:
        """Invert the bit in a raw file or on a block device."""
        disk.flip_bit(target, self.offset)

    def shell(self, device: str) -> str:
        """Return a command that inverts the bit on a device of a running host, by its name there.

        The host may hold the block in memory: it is read from the disk, and written to it.
        """
        return (
            f"python3 -I -c 'import os,sys; d=os.open(sys.argv[1],os.O_RDWR); o=int(sys.argv[2]); "
            f"os.pwrite(d,bytes([os.pread(d,1,o)[0]^1]),o); os.fsync(d)' {device} {self.offset}"
        )


def partition(target: Path, version: str, role: Role) -> Partition:
    """Return the partition of a version."""
    kind, ending = _TYPES[role]
    label = f"codex-os_{version}{ending}"
    found = [p for p in gpt.read(target) if p.type == kind and p.label == label]
    if len(found) != 1:
        raise AssertionError(f"{target} has {len(found)} partitions {label}")
    return found[0]


def in_file(root: Path, path: str = FIRST_READ) -> int:
    """Return the offset in a root, as it was made, of a byte that only the file ``path`` has."""
    return erofs.middle_data_byte(root, path)


def bit(target: Path, version: str, role: Role, offset: int, what: str = "") -> Flip:
    """Return a bit of a version's partition, by its offset there."""
    found = partition(target, version, role)
    if not 0 <= offset < found.size:
        raise AssertionError(f"offset {offset} is not in the partition {found.label}")
    return Flip(found.offset + offset, what or f"{role} of {version}, byte {offset}")


def spread(target: Path, version: str, role: Role, used: int, count: int) -> list[Flip]:
    """Return ``count`` bits at even distances over the bytes in use, the first and the last too."""
    places = sorted({(used - 1) * n // max(count - 1, 1) for n in range(count)})
    return [bit(target, version, role, place) for place in places]


def corrupt_slot(target: Path, version: str, root: Path, path: str = FIRST_READ) -> Flip:
    """Flip a bit of a file in the slot of a version; ``root`` is the root as it was made."""
    found = bit(target, version, "root", in_file(root, path), f"{path} in the root of {version}")
    found.flip(target)
    return found


def corrupt_uki(target: Path, name: str, scratch: Path, offset: int | None = None) -> int:
    """Flip a bit of a UKI on the ESP of a disk, in its middle unless said otherwise."""
    esp = gpt.only(gpt.read(target), gpt.ESP)
    copy = disk.fat_read(target, esp, f"/EFI/Linux/{name}", scratch / name)
    place = copy.stat().st_size // 2 if offset is None else offset
    disk.flip_bit(copy, place)
    disk.fat_write(target, esp, copy, f"/EFI/Linux/{name}")
    return place


def flatten(overlay: Path, target: Path) -> Path:
    """Write a guest's qcow2 disk as a raw, sparse file, which is what partitions are read from."""
    programs.run("qemu-img", "convert", "-O", "raw", overlay, target)
    return target
