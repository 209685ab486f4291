# SPDX-License-Identifier: Apache-2.0
"""The disk of a machine between its starts.

It is an overlay on a raw image, until all of it has to be in one raw file; from then on overlays
are made on that file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.guest import DISK_SIZE

from tests.support import programs

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class KeptDisk:
    """``folder`` has what was written, ``given`` is the image that the first start began from."""

    folder: Path
    given: Path

    @property
    def base(self) -> Path:
        """The raw file that an overlay is to be on."""
        return self._raw if self._raw.exists() else self.given

    @property
    def _raw(self) -> Path:
        return self.folder / "disk.raw"

    @property
    def _overlay(self) -> Path:
        """Where a guest has its overlay (builder/guest.py)."""
        return self.folder / "disk.qcow2"

    def copy(self, target: Path) -> Path:
        """Write it to a raw file, sparse."""
        kept = self._overlay.exists()
        source = ("qcow2", self._overlay) if kept else ("raw", self.base)
        programs.run("qemu-img", "convert", "-f", source[0], "-O", "raw", source[1], target)
        return target

    def flat(self) -> Path:
        """Bring all of it into one raw file of the folder, of the size that guests see."""
        if self._overlay.exists() or not self._raw.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            new = self.copy(self.folder / "disk.new")
            programs.run("qemu-img", "resize", "-q", "-f", "raw", new, DISK_SIZE)
            new.replace(self._raw)
            self._overlay.unlink(missing_ok=True)
        return self._raw
