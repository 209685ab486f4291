# SPDX-License-Identifier: Apache-2.0
"""Parts of a unified kernel image, for direct kernel boot and for the KVM probe."""

from pathlib import Path

from builder.paths import Paths
from builder.tree import Tree

SECTIONS = {".linux": "linux", ".initrd": "initrd", ".cmdline": "cmdline"}


def unpack(paths: Paths, tree: Tree, version: str) -> Path:
    """The folder with ``linux``, ``initrd`` and ``cmdline`` of the version's UKI."""
    folder = paths.build / "uki" / version
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for section, name in SECTIONS.items():
            argv = ["objcopy", "--output-target=binary", f"--only-section={section}"]
            tree.run([*argv, paths.image(version, ".efi"), folder / name], log=paths.logs / "uki.log")
        (folder / "complete").touch()
    return folder


def command_line(folder: Path) -> str:
    """The command line that is sealed into the UKI."""
    return (folder / "cmdline").read_bytes().rstrip(b"\0\n").decode()
