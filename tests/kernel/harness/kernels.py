# SPDX-License-Identifier: Apache-2.0
"""Where the kernels and modules under test lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kernel.sanitizer.build import Sanitizer

if TYPE_CHECKING:
    from pathlib import Path

#: The sanitizer kernel takes the place of the releases when it is asked for.
SANITIZER = "sanitizer"


@dataclass(frozen=True)
class Kernel:
    """A release with its image and the folder of its modules."""

    release: str
    image: Path
    modules: Path

    @property
    def short(self) -> str:
        """First two numbers of the release, for names of cases."""
        return self.release if self.release == SANITIZER else ".".join(self.release.split(".")[:2])


def sanitizer(build: Path) -> Sanitizer:
    """Where the sanitizer kernel is built, and from what."""
    return Sanitizer(build / "sanitizer", build / "kernel-source/linux-source-6.12.tar.xz")


def sanitized(build: Path) -> list[Kernel]:
    """Return the sanitizer kernel, which may have to be built first."""
    kernel = sanitizer(build)
    return [Kernel(SANITIZER, kernel.image, kernel.modules)]


def packaged(build: Path) -> list[Kernel]:
    """Kernels below ``build`` in the order of their releases; missing modules are told at use."""
    images = sorted((build / "kernels").glob("*/vmlinuz"))
    return [Kernel(path.parent.name, path, build / "modules" / path.parent.name) for path in images]
