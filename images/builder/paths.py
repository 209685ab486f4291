# SPDX-License-Identifier: Apache-2.0
"""Where everything lies, relative to the repository."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The repository and what a build leaves in it; ``build/`` may go any time, ``keys/`` not."""

    root: Path

    @classmethod
    def find(cls) -> "Paths":
        """Return the repository that this file is part of."""
        return cls(Path(__file__).resolve().parents[2])

    @property
    def build(self) -> Path:
        """Everything that can be made again."""
        return self.root / "build"

    @property
    def keys(self) -> Path:
        """The user's own keys, outside git."""
        return self.root / "keys"

    @property
    def tools(self) -> Path:
        """Root of the tools tree."""
        return self.build / "tools"

    @property
    def image_dir(self) -> Path:
        """Artefacts of the image."""
        return self.build / "image"

    @property
    def release(self) -> Path:
        """What hosts update from: several versions and their signed checksums."""
        return self.build / "release"

    @property
    def initrd_dir(self) -> Path:
        """The initrd and its manifest."""
        return self.build / "initrd"

    @property
    def sandbox(self) -> Path:
        """Configuration of apt that mkosi uses."""
        return self.build / "sandbox"

    @property
    def modules(self) -> Path:
        """Our kernel modules, unsigned; a folder for each kernel release."""
        return self.build / "modules"

    @property
    def modules_signed(self) -> Path:
        """The same, signed with keys/modules.key."""
        return self.build / "modules-signed"

    @property
    def kernels(self) -> Path:
        """Kernels that guests of tests boot: a folder with ``vmlinuz`` for each release."""
        return self.build / "kernels"

    @property
    def kernel_source(self) -> Path:
        """The source of Debian's kernel, and what checkers of kernel code need of it."""
        return self.build / "kernel-source"

    @property
    def packages(self) -> Path:
        """Our own Debian packages."""
        return self.build / "packages"

    @property
    def stamps(self) -> Path:
        """Digests of what was made from what."""
        return self.build / "stamps"

    @property
    def logs(self) -> Path:
        """Output of the programs that the build runs."""
        return self.build / "logs"

    @property
    def guests(self) -> Path:
        """A folder for each guest."""
        return self.build / "guests"

    @property
    def venv(self) -> Path:
        """Python environment of linters and tests."""
        return self.build / "venv"

    @property
    def locks(self) -> Path:
        """Package lists and their locks."""
        return self.root / "images" / "lock"

    def image(self, version: str, suffix: str) -> Path:
        """Return an artefact of one version, e.g. ``image("0.1.57", ".raw")``."""
        return self.image_dir / f"codex-os_{version}{suffix}"

    def entry(self, name: str, version: str) -> Path:
        """Return another boot entry of a version, e.g. ``entry("codex-os-reset", "0.1.57")``."""
        return self.image_dir / f"{name}_{version}.efi"

    def latest_version(self) -> str | None:
        """Return the version that the last complete build wrote, or None before the first."""
        try:
            return (self.image_dir / "latest").read_text().strip() or None
        except FileNotFoundError:
            return None
