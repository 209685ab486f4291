# SPDX-License-Identifier: Apache-2.0
"""What the tests of updates share: the built version, those made of it, and a disk with two."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.paths import Paths
from builder.tree import Tree

from tests.support import guests
from tests.support.versions import broken, kernel_image, make, root, signing
from tests.support.versions.source import open_source
from tests.support.workers import mine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.versions.make import Change, Made
    from tests.support.versions.signing import Pair
    from tests.support.versions.source import Source


@dataclass
class Lab:
    """``first`` is what `make image` built, ``second`` a good version made of it."""

    folder: Path
    source: Source
    paths: Paths
    tree: Tree
    made: dict[str, Made]

    @property
    def first(self) -> str:
        """The version that is installed at the beginning."""
        return self.source.artefacts.version

    @property
    def second(self) -> str:
        """A good version after it."""
        return f"{self.first}.1"

    @property
    def third(self) -> str:
        """The name of a version after that, which may be broken."""
        return f"{self.first}.2"

    @property
    def offers(self) -> Path:
        """A release directory with the second version."""
        return self.folder / "offers"

    def make(self, name: str, version: str, change: Change, compression: str = root.FAST) -> Made:
        """Return a version, which is made once for a name."""
        if name not in self.made:
            self.made[name] = make.make_version(
                self.source, version, self.folder / name, change, compression=compression
            )
        return self.made[name]

    def forget(self, name: str) -> None:
        """Remove what was made; a root takes 300 MB."""
        self.made.pop(name, None)
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def signed(self, version: str) -> tuple[Path, str]:
        """Return the UKI of one of the two versions as it was signed, and the root hash in it."""
        if version == self.first:
            return self.source.artefacts.uki, kernel_image.root_hash(self.source.sections)
        return self.made["second"].uki, self.made["second"].root_hash

    def foreign(self, name: str = "foreign") -> Pair:
        """Return a key that no host of ours trusts."""
        folder = self.folder / f"key-{name}"
        folder.mkdir(exist_ok=True)
        return signing.foreign(folder)


def open_lab() -> Lab:
    """Take the image apart, and offer a second version; all of it lies below build/."""
    paths = Paths.find()
    tree = Tree(paths)
    folder = paths.build / mine("test-versions")
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        if not old.is_dir():
            old.unlink()
        elif old.name != "source":
            shutil.rmtree(old)
    source = open_source(guests.latest_artefacts(), folder / "source", tree)
    lab = Lab(folder, source, paths, tree, {})
    # As it is built: with another compression no chunk would be the same. OpenSSL, because it is
    # what hosts are updated for most, and large.
    change = broken.upgraded("libssl3t64", "9.9.9-1")
    second = lab.make("second", lab.second, change, root.AS_BUILT)
    make.publish(second, lab.offers, paths, tree)
    return lab
