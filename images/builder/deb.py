# SPDX-License-Identifier: Apache-2.0
"""Debian packages from a folder that holds what they install and ``DEBIAN/``."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from builder.paths import Paths
from builder.tree import Tree

DEB = ("dpkg-deb", "--root-owner-group", "--uniform-compression", "-Zzstd", "-z3", "--build")


def stage(paths: Paths, name: str) -> Path:
    """Return an empty folder for a package, with ``DEBIAN/``."""
    folder = paths.build / f"{name}-package"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "DEBIAN").mkdir(parents=True)
    return folder


def normalise(folder: Path, executables: Iterable[Path] = ()) -> None:
    """Set the same modes whatever the umask of who builds; only some files are executable."""
    for place, _, files in os.walk(folder):
        Path(place).chmod(0o755)
        for name in files:
            Path(place, name).chmod(0o644)
    for path in executables:
        path.chmod(0o755)


def build(paths: Paths, tree: Tree, folder: Path, package: Path, *, epoch: int, log: Path) -> None:
    """Pack a folder as ``package``, with checksums for `dpkg --verify`, and remove older ones."""
    sums = "find * -path DEBIAN -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum"
    tree.run(["sh", "-c", f'cd "$1" && {sums} >DEBIAN/md5sums', "sh", folder], log=log)
    package.parent.mkdir(parents=True, exist_ok=True)
    new = paths.build / "package.deb"
    tree.run([*DEB, folder, new], log=log, env={"SOURCE_DATE_EPOCH": str(epoch)})
    for old in package.parent.glob(f"{package.name.partition('_')[0]}_*.deb"):
        old.unlink()
    new.replace(package)
