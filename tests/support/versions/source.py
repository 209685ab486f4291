# SPDX-License-Identifier: Apache-2.0
"""A built version, taken apart once: its root as a tree, its hash tree's parameters, its UKI.

The tree is shared by all versions that are made of it. Nobody changes it: each gets a copy.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from builder import disk
from builder.tree import Tree

from tests.support import erofs, programs
from tests.support.artefacts import Artefacts
from tests.support.versions import kernel_image
from tests.support.versions.kernel_image import Section

#: Where the root has the part of a UKI that starts the kernel.
STUB = "usr/lib/systemd/boot/efi/linuxx64.efi.stub"


@dataclass(frozen=True)
class HashTree:
    """Parameters of a dm-verity hash tree, as veritysetup names them."""

    uuid: str
    algorithm: str
    data_block: int
    hash_block: int
    salt: str


@dataclass(frozen=True)
class Source:
    """A version to make others of. ``sizes`` are the partitions' in bytes, by role."""

    artefacts: Artefacts
    tree: Path
    hash_tree: HashTree
    sizes: dict[str, int]
    sections: list[Section]

    @property
    def stub(self) -> Path:
        """The stub that the UKI was built with, or one of the same package."""
        return self.tree / STUB


def open_source(artefacts: Artefacts, cache: Path, tree: Tree) -> Source:
    """Take a version apart below ``cache``, or find it there; needs root, as owners are kept.

    The folder is named by the root hash, which is sealed into the UKI: an image that was built anew
    under the same version is another one.
    """
    sections = kernel_image.read(artefacts.uki)
    folder = cache / kernel_image.root_hash(sections)[:16]
    if not folder.exists():
        # 700 MB each, and of an image that is no longer there.
        shutil.rmtree(cache, ignore_errors=True)
        # Named when it is whole: what an interruption leaves is not taken for it.
        new = folder.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        slot = disk.cut(tree, artefacts.disk, artefacts.version, new, log=cache / "cut.log")
        erofs.extract(slot.files["root"], new / "tree")
        slot.files["root"].unlink()
        new.rename(folder)
    found = disk.partitions(tree, artefacts.disk, artefacts.version)
    return Source(
        artefacts,
        folder / "tree",
        _parameters(folder / "verity.raw"),
        {role: partition.size for role, partition in found.items()},
        sections,
    )


def _parameters(hashes: Path) -> HashTree:
    listing = programs.text("veritysetup", "dump", hashes)
    found = dict(re.findall(r"^([A-Z][A-Za-z ]+):\s+(\S+)", listing, re.MULTILINE))
    return HashTree(
        found["UUID"],
        found["Hash algorithm"],
        int(found["Data block size"]),
        int(found["Hash block size"]),
        found["Salt"],
    )
