# SPDX-License-Identifier: Apache-2.0
"""Parts of a unified kernel image, for direct kernel boot and for the KVM probe."""

import shutil
from pathlib import Path

from builder import stamp
from builder.paths import Paths
from builder.tree import Tree

SECTIONS = {".linux": "linux", ".initrd": "initrd", ".cmdline": "cmdline"}


def unpack(paths: Paths, tree: Tree, version: str) -> Path:
    """Return the folder with ``linux``, ``initrd`` and ``cmdline`` of the version's UKI.

    It is named by content: a work tree that is not committed builds other images of one version,
    and the command line holds the root hash of exactly one of them.
    """
    uki = paths.image(version, ".efi")
    folder = paths.build / "uki" / stamp.digest(files=[uki])[:16]
    if not (folder / "complete").exists():
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
        for section, name in SECTIONS.items():
            argv = ["objcopy", "--output-target=binary", f"--only-section={section}"]
            tree.run([*argv, uki, folder / name], log=paths.logs / "uki.log")
        (folder / "complete").touch()
    return folder


def section(tree: Tree, uki: Path, name: str, scratch: Path, *, log: Path) -> str:
    """Return a section of text, such as ``.osrel``; empty when the file has none of this name.

    A UKI with profiles has several command lines; the first is that of its own entry.
    """
    target = scratch / f"section{name}"
    argv: list[str | Path] = ["objcopy", "--output-target=binary", f"--only-section={name}"]
    try:
        tree.run([*argv, uki, target], log=log)
        return _first(target.read_bytes()).rstrip(b"\n ").decode(errors="replace")
    finally:
        target.unlink(missing_ok=True)


def command_line(folder: Path) -> str:
    """Return the command line that is sealed into the UKI."""
    return _first((folder / "cmdline").read_bytes()).rstrip(b"\n").decode()


def _first(sections: bytes) -> bytes:
    """Return the first of several sections of text: objcopy lays zeros between them."""
    return sections.partition(b"\0")[0]
