# SPDX-License-Identifier: Apache-2.0
"""Where the kernels and modules under test lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: The sanitizer kernel takes the place of a release when it is asked for.
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


def found(build: Path) -> list[Kernel]:
    """Kernels below ``build`` in the order of their releases; missing modules are told at use."""
    images = sorted((build / "kernels").glob("*/vmlinuz"))
    return [Kernel(path.parent.name, path, build / "modules" / path.parent.name) for path in images]
