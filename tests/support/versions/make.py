# SPDX-License-Identifier: Apache-2.0
"""Makes another version of a built one: the same root, kernel and initrd but for what is changed.

A version is made in seconds because nothing is installed or built: the tree is copied, edited,
packed with a fast compression, hashed and signed with the keys of the build.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder import disk
from builder.boot_entry import RESET
from builder.paths import Paths
from builder.release import Parts, Published, Release
from builder.tree import Tree

from tests.support import verity
from tests.support.versions import edits as editing
from tests.support.versions import kernel_image, root, signing
from tests.support.versions.edits import Edit
from tests.support.versions.signing import Pair
from tests.support.versions.source import Source


@dataclass(frozen=True)
class Change:
    """In what a version differs from its source.

    ``sign_with`` and ``verity_sign_with`` are keys in place of the build's; ``unsigned`` leaves its
    two UKIs without a signature. ``packages`` are versions that the manifest tells in place of the
    true ones. ``afterwards`` may damage what was made.
    """

    edits: Sequence[Edit] = ()
    initrd_extra: Sequence[bytes] = ()
    sign_with: Pair | None = None
    unsigned: bool = False
    verity_sign_with: Pair | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    afterwards: Callable[["Made"], None] | None = None


@dataclass(frozen=True)
class Made:
    """A version that was made: what lies in its folder, and how a host finds it."""

    version: str
    folder: Path
    root_hash: str
    uuids: dict[str, str]

    @property
    def root(self) -> Path:
        """File system for the root partition."""
        return self.folder / "root.raw"

    @property
    def verity(self) -> Path:
        """Hash tree."""
        return self.folder / "verity.raw"

    @property
    def signature(self) -> Path:
        """Content of the signature partition."""
        return self.folder / "signature.raw"

    @property
    def uki(self) -> Path:
        """Unified kernel image."""
        return self.folder / f"codex-os_{self.version}.efi"

    @property
    def reset(self) -> Path:
        """Its boot entry for a factory reset."""
        return self.folder / f"{RESET.name}_{self.version}.efi"

    @property
    def manifest(self) -> Path:
        """List of packages."""
        return self.folder / f"codex-os_{self.version}.manifest"

    @property
    def sbom(self) -> Path:
        """Bill of materials."""
        return self.folder / f"codex-os_{self.version}.spdx.json"

    def parts(self) -> Parts:
        """Return it as a release is made of it."""
        files = {"root": self.root, "verity": self.verity, "signature": self.signature}
        beside = {"uki": self.uki, "reset": self.reset}
        beside |= {"manifest": self.manifest, "sbom": self.sbom}
        return Parts(self.version, disk.Slot(files, self.uuids, self.root_hash), beside)


def make_version(
    source: Source,
    version: str,
    folder: Path,
    change: Change | None = None,
    *,
    compression: str = root.FAST,
) -> Made:
    """Make a version in ``folder``, which is emptied first."""
    change = change or Change()
    shutil.rmtree(folder, ignore_errors=True)
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    keys = source.artefacts.keys
    digest = _root(source, version, folder, scratch / "tree", change.edits, compression)
    data, hashes = verity.partition_uuids(digest)
    uuids = {
        "root": str(data),
        "verity": str(hashes),
        "signature": root.identifier("signature", digest),
    }
    made = Made(version, folder, digest, uuids)
    signer = change.verity_sign_with or Pair.of(keys, "verity")
    made.signature.write_bytes(signing.root_hash(digest, signer, scratch))
    sections = kernel_image.renew(
        source.sections,
        version=version,
        root_hash=digest,
        initrd_extra=change.initrd_extra,
    )
    pair = None if change.unsigned else change.sign_with or Pair.of(keys, "db")
    kernel_image.build(sections, source.stub, made.uki, scratch / "uki", pair)
    entry = kernel_image.reset_entry(sections, version)
    kernel_image.build(entry, source.stub, made.reset, scratch / "reset", pair)
    _lists(source, made, change.packages)
    shutil.rmtree(scratch)
    if change.afterwards is not None:
        change.afterwards(made)
    return made


def _root(
    source: Source, version: str, folder: Path, tree: Path, edits: Sequence[Edit], compression: str
) -> str:
    root.copy(source.tree, tree)
    for edit in (editing.version(version), *edits):
        edit(tree)
    image, hashes = folder / "root.raw", folder / "verity.raw"
    root.pack(tree, image, name=root.identifier("root", version), compression=compression)
    digest = root.hash_tree(image, hashes, source.hash_tree)
    root.must_fit(image, source.sizes["root"], "root")
    root.must_fit(hashes, source.sizes["verity"], "hash tree")
    return digest


def _lists(source: Source, made: Made, packages: Mapping[str, str]) -> None:
    """Leave manifest and bill of materials; the page says from the former what is new."""
    content: dict[str, Any] = json.loads(source.artefacts.manifest.read_text(encoding="utf-8"))
    if "config" in content:
        content["config"]["version"] = made.version
    named = {entry["name"]: entry for entry in content["packages"]}
    for name, number in packages.items():
        named[name]["version"] = number
    made.manifest.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(source.artefacts.sbom, made.sbom)


def publish(made: Made, folder: Path, paths: Paths, tree: Tree) -> Published:
    """Lay a version down as a signed release, beside those that ``folder`` has already.

    ``paths.keys`` has the key of updates that signs it.
    """
    return Release(paths, tree, folder).offer(made.parts())
