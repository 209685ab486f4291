# SPDX-License-Identifier: Apache-2.0
"""Names of the files that `make image` leaves."""

from dataclasses import dataclass
from pathlib import Path


class NoImageError(Exception):
    """There is no image to judge."""


@dataclass(frozen=True)
class Artefacts:
    """The files of one build. ``keys`` is the folder of the keys that signed it."""

    version: str
    directory: Path
    keys: Path

    @property
    def stem(self) -> str:
        """File name that all artefacts begin with."""
        return f"codex-os_{self.version}"

    @property
    def disk(self) -> Path:
        """Raw GPT disk."""
        return self.directory / f"{self.stem}.raw"

    @property
    def uki(self) -> Path:
        """Signed unified kernel image."""
        return self.directory / f"{self.stem}.efi"

    @property
    def reset(self) -> Path:
        """Signed boot entry of the version for a factory reset."""
        return self.directory / f"codex-os-reset_{self.version}.efi"

    @property
    def manifest(self) -> Path:
        """Package list of mkosi, JSON."""
        return self.directory / f"{self.stem}.manifest"

    @property
    def sbom(self) -> Path:
        """SPDX software bill of materials, JSON."""
        return self.directory / f"{self.stem}.spdx.json"

    @property
    def checksums(self) -> Path:
        """SHA-256 sums of the artefacts, in the format of sha256sum."""
        return self.directory / "SHA256SUMS"

    @property
    def secure_boot_certificate(self) -> Path:
        """Certificate that the firmware trusts, PEM."""
        return self.keys / "db.crt"

    @property
    def modules_certificate(self) -> Path:
        """Certificate of the key that signs our kernel modules."""
        return self.keys / "modules.crt"

    @property
    def verity_certificate(self) -> Path:
        """Certificate of the root hash's signature, PEM."""
        return self.keys / "verity.crt"


def latest(directory: Path, keys: Path) -> Artefacts:
    """Artefacts of the version that the text file ``latest`` in ``directory`` names."""
    pointer = directory / "latest"
    if not pointer.is_file():
        raise NoImageError(f"There is no image: {pointer} does not exist. `make image` builds one.")
    return Artefacts(pointer.read_text(encoding="utf-8").strip(), directory, keys)
