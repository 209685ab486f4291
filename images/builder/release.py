# SPDX-License-Identifier: Apache-2.0
"""Makes of a built image what hosts update from: its partitions, packed, described and signed."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from builder import disk, log, uki, update_key
from builder.boot_entry import RESET
from builder.errors import BuildError
from builder.paths import Paths
from builder.publish import IMAGE, UNPACKED_ROOT, Directory, digest
from builder.tree import Tree
from builder.version import VALID, order

SCHEMA = 1
ARCHITECTURE = "x86-64"
# What a file is for, and how its name ends. A host takes no others (codex_agent/update/names.py).
ENDINGS = {
    "root": "root.raw.zst",
    "root-index": "root.caibx",
    "verity": "verity.raw",
    "signature": "signature.raw",
    "uki": "efi",
    "uki-index": "uki.caibx",
    "reset": "reset.efi",
    "reset-index": "reset.caibx",
    "manifest": "manifest.json",
    "sbom": "spdx.json",
}
DESCRIPTION = "release.json"
# Smaller chunks find more that is the same, larger ones are fewer to ask for
# (docs/decisions/0021-delta-by-chunks.md).
CHUNK_SIZE = 16 * 1024
COMPRESSION = ("zstd", "-q", "--single-thread", "-9")
# What lies in chunks as well, with the role of its index.
CHUNKED = {"uki": "uki-index", "reset": "reset-index"}


@dataclass(frozen=True)
class Published:
    """What was laid down: the folder, and how much of it no earlier version had."""

    folder: Path
    chunks: int
    new_chunks: int
    new_bytes: int


@dataclass(frozen=True)
class Parts:
    """What a release is made of: the slot's partitions as files, and the files beside the disk.

    ``files`` are the UKI, the entry for a reset, the manifest and the bill of materials, by their
    roles; ``minimum_from`` is the oldest version that it may be taken from.
    """

    version: str
    slot: disk.Slot
    files: dict[str, Path]
    minimum_from: str | None = None


@dataclass(frozen=True)
class Facts:
    """What the UKI of a version says of it."""

    flavour: str
    kernel: str
    words: list[str]
    root_hash: str


def beside(paths: Paths, version: str) -> dict[str, Path]:
    """Return the files that lie beside the disk of a version, by their roles."""
    return {
        "uki": paths.image(version, ".efi"),
        "reset": paths.entry(RESET.name, version),
        "manifest": paths.image(version, ".manifest"),
        "sbom": paths.image(version, ".spdx.json"),
    }


class Release:
    """Releases of one repository, below ``build/release`` unless another folder is named.

    ``keep`` is how many versions stay there; 0 is all of them.
    """

    def __init__(
        self, paths: Paths, tree: Tree, folder: Path | None = None, *, keep: int = 0
    ) -> None:
        self.paths = paths
        self.tree = tree
        self.folder = folder or paths.release
        self.keep = keep
        self.log = paths.logs / "release.log"

    def make(self, version: str, *, minimum_from: str | None = None) -> Published:
        """Lay down the built image of a version beside the versions that are there already."""
        if minimum_from and order(minimum_from) >= order(version):
            raise BuildError(
                f"MINIMUM_FROM={minimum_from} is not older than {version}, which is to be taken "
                "from it.",
                hint="Name the oldest version from which hosts may take this one.",
            )

        def cut(work: Path) -> Parts:
            image = self.paths.image(version, ".raw")
            with log.step(f"Cutting the partitions of {version}"):
                slot = disk.cut(self.tree, image, version, work, log=self.log)
            return Parts(version, slot, beside(self.paths, version), minimum_from)

        update_key.not_exchanged(self.paths, version)
        made = self._beside(version, cut)
        update_key.remember(self.paths, version)
        return made

    def offer(self, parts: Parts) -> Published:
        """Lay down a version whose partitions are files already; those stay where they are."""

        def copy(work: Path) -> Parts:
            found = parts.slot.files.items()
            copies = {role: Path(shutil.copyfile(path, work / role)) for role, path in found}
            return replace(parts, slot=replace(parts.slot, files=copies))

        return self._beside(parts.version, copy)

    def _beside(self, version: str, bring: Callable[[Path], Parts]) -> Published:
        """Lay down what ``bring`` leaves in a folder, which is its own."""
        if VALID.fullmatch(version) is None:
            raise BuildError(f"{version} is no version that a host could take.", hint=disk.HINT)
        directory = Directory(self.paths, self.tree, self.folder, keep=self.keep)
        directory.open(version)
        work = directory.scratch()
        try:
            chunks, new, size = self._lay_down(bring(work), directory, work)
        except BuildError:
            # Before anything was renamed; what another end leaves, the next run has to see.
            shutil.rmtree(work)
            raise
        if self.keep:
            with log.step("Removing what the list does not name"):
                directory.tidy()
        return Published(directory.folder, chunks, new, size)

    def _lay_down(self, parts: Parts, directory: Directory, work: Path) -> tuple[int, int, int]:
        facts = self._facts(parts.files["uki"], IMAGE, parts.version, work)
        if facts.root_hash != parts.slot.root_hash:
            raise BuildError(
                f"Disk and UKI of {parts.version} are of two builds: their root hashes differ.",
                hint=disk.HINT,
            )
        reset = self._facts(parts.files["reset"], RESET.name, parts.version, work)
        if reset.words != [*facts.words, RESET.word]:
            raise BuildError(
                f"{parts.files['reset'].name} is of another build than the UKI of the version.",
                hint=disk.HINT,
            )
        with log.step("Compressing the root, cutting root and UKIs into chunks"):
            names = self._pack(parts, work)
        sums = self._describe(parts, facts, names, work)
        with log.step("Signing and laying down"):
            return directory.add(parts.version, work, sums)

    def name(self, version: str, ending: str) -> str:
        """Return the name of a file of a release."""
        return f"{IMAGE}_{version}_{ARCHITECTURE}.{ending}"

    def _facts(self, path: Path, image: str, version: str, work: Path) -> Facts:
        """Read a UKI; BuildError when it is another one or has no root hash."""
        texts = {
            name: uki.section(self.tree, path, name, work, log=self.log)
            for name in (".osrel", ".uname", ".cmdline")
        }
        release = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)"?$', texts[".osrel"], re.MULTILINE))
        identity = (release.get("IMAGE_ID"), release.get("IMAGE_VERSION"))
        if identity != (image, version):
            raise BuildError(f"{path.name} is not the UKI of {image} {version}.", hint=disk.HINT)
        root_hash = re.search(r"(?:^| )roothash=([0-9a-f]{64})(?: |$)", texts[".cmdline"])
        if root_hash is None or not texts[".uname"] or not release.get("VARIANT_ID"):
            raise BuildError(
                f"{path.name} does not say its root hash, kernel or flavour.", hint=disk.HINT
            )
        return Facts(
            release["VARIANT_ID"], texts[".uname"], texts[".cmdline"].split(), root_hash[1]
        )

    def _pack(self, parts: Parts, work: Path) -> dict[str, str]:
        """Give every file of the release its name in ``work``; return the names by role."""
        names = {role: self.name(parts.version, ending) for role, ending in ENDINGS.items()}
        root = work / self.name(parts.version, UNPACKED_ROOT)
        parts.slot.files["root"].rename(root)
        for role in ("verity", "signature"):
            parts.slot.files[role].rename(work / names[role])
        for role, path in parts.files.items():
            shutil.copyfile(path, work / names[role])
        self.tree.run([*COMPRESSION, root, "-o", work / names["root"]], log=self.log)
        self._chunk(root, work / names["root-index"], work / "store")
        for role, its_index in CHUNKED.items():
            self._chunk(work / names[role], work / names[its_index], work / "store")
        return names

    def _chunk(self, whole: Path, index: Path, store: Path) -> None:
        """Cut a file into chunks, and put it together once to see that nothing is missing."""
        sizes = [f"--chunk-size={CHUNK_SIZE}", "--compression=zstd"]
        self.tree.run(["casync", "make", *sizes, f"--store={store}", index, whole], log=self.log)
        # casync names a file by SHA-512/256, as it does a chunk.
        made = self.tree.output(["casync", "digest", f"--store={store}", index]).strip()
        if made != digest(whole, "sha512_256"):
            raise BuildError(
                f"The chunks do not make {whole.name} again.",
                hint="The disk or casync is at fault.",
            )

    def _describe(
        self, parts: Parts, facts: Facts, names: dict[str, str], work: Path
    ) -> dict[str, str]:
        """Write release.json; return the hash of every file that the checksums have to name."""
        version, slot = parts.version, parts.slot
        root = self.name(version, UNPACKED_ROOT)
        sums = {name: digest(work / name) for name in (root, *names.values())}
        files = []
        for role, name in names.items():
            entry: dict[str, Any] = {
                "name": name,
                "role": role,
                "bytes": (work / name).stat().st_size,
                "sha256": sums[name],
                "unpacked_bytes": (work / root).stat().st_size if role == "root" else None,
                "unpacked_sha256": sums[root] if role == "root" else None,
            }
            files.append(entry)
        description = {
            "schema": SCHEMA,
            "image": IMAGE,
            "version": version,
            "architecture": ARCHITECTURE,
            "flavour": facts.flavour,
            "built_at": _built_at(parts.files["sbom"]),
            "kernel": facts.kernel,
            "root_hash": slot.root_hash,
            "uuids": slot.uuids,
            "minimum_from": parts.minimum_from,
            "files": files,
        }
        target = work / self.name(version, DESCRIPTION)
        target.write_text(json.dumps(description, indent=1) + "\n")
        sums[target.name] = digest(target)
        # It travels as chunks or compressed.
        (work / root).unlink()
        return sums


def _built_at(sbom: Path) -> str:
    """Return the time of the sources, which the bill of materials has: it is no clock's."""
    try:
        return str(json.loads(sbom.read_text())["creationInfo"]["created"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BuildError(f"{sbom.name} does not say of when it is.", hint=disk.HINT) from error
