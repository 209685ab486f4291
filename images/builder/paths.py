# SPDX-License-Identifier: Apache-2.0
"""Where everything lies, relative to the repository."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The repository and what a build leaves in it: ``build/`` can be deleted at any time, ``keys/`` cannot."""

    root: Path

    @classmethod
    def find(cls) -> "Paths":
        """The repository that this file is part of."""
        return cls(Path(__file__).resolve().parents[2])

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def tools(self) -> Path:
        return self.build / "tools"

    @property
    def image_dir(self) -> Path:
        return self.build / "image"

    @property
    def initrd_dir(self) -> Path:
        return self.build / "initrd"

    @property
    def sandbox(self) -> Path:
        return self.build / "sandbox"

    @property
    def packages(self) -> Path:
        return self.build / "packages"

    @property
    def stamps(self) -> Path:
        return self.build / "stamps"

    @property
    def logs(self) -> Path:
        return self.build / "logs"

    @property
    def guests(self) -> Path:
        return self.build / "guests"

    @property
    def venv(self) -> Path:
        return self.build / "venv"

    @property
    def locks(self) -> Path:
        return self.root / "images" / "lock"

    def image(self, version: str, suffix: str) -> Path:
        """An artefact of one version, e.g. ``image("0.1.57", ".raw")``."""
        return self.image_dir / f"codex-os_{version}{suffix}"

    def latest_version(self) -> str | None:
        """The version that the last complete build wrote, or None before the first."""
        try:
            return (self.image_dir / "latest").read_text().strip() or None
        except FileNotFoundError:
            return None
