# SPDX-License-Identifier: Apache-2.0
"""`make bundle`: what a host needs that reaches no mirror, in one folder.

``bundle.json`` says what is in it and for which system, ``SHA256SUMS`` has the sum of every other
file, ``repo.tar`` is an apt repository of the packages of ``images/lock/bundle-SUITE.lock``.
"""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path

from builder import command, lock, log
from builder.archive import Package
from builder.collection import Collection
from builder.errors import BuildError
from builder.kernel_packages import KernelPackages
from builder.packages import TARGETS, Packages
from builder.paths import Paths
from builder.tree import Tree
from builder.version import Version

SCHEMA = 1
REPOSITORY = "repo.tar"
#: Suites whose kernels our modules are for.
WITH_MODULES = ("trixie",)
RELEASE = """\
Origin: Codex OS
Label: Codex OS bundle
Suite: bundle
Codename: bundle
Architectures: all amd64
Date: {date}
SHA256:
 {digest} {size} Packages
"""


class Bundle:
    """Makes ``build/bundle/VERSION-SUITE``; it appears when it is complete."""

    def __init__(self, paths: Paths, tree: Tree, suite: str) -> None:
        self.paths = paths
        self.tree = tree
        self.suite = suite
        self.log = paths.logs / "bundle.log"
        self.lock = paths.locks / f"bundle-{suite}.lock"

    def make(self, version: Version) -> Path:
        """Return the folder; BuildError when a package is not the one of the lock."""
        locked = lock.read(self.lock)
        target = self.paths.build / f"bundle/{version.number}-{self.suite}"
        new = target.with_name(f"{target.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        ours = self._ours(version)
        with log.step(f"Fetching {len(locked)} packages of Debian {self.suite}"):
            debs = self._fetch(locked)
        with log.step("Making the bundle"):
            repository(debs, new / REPOSITORY, version.epoch)
            for package in ours.values():
                shutil.copy(package, new / package.name)
            about = self.about(version, locked, ours, (new / REPOSITORY).stat().st_size)
            (new / "bundle.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")
            sums = [f"{digest(path)}  {path.name}\n" for path in sorted(new.iterdir())]
            (new / "SHA256SUMS").write_text("".join(sums))
        shutil.rmtree(target, ignore_errors=True)
        new.rename(target)
        return target

    def about(
        self, version: Version, locked: Mapping[str, Package], ours: Mapping[str, Path], size: int
    ) -> dict[str, object]:
        """Return what bundle.json says; ``size`` is that of the repository in bytes."""
        return {
            "schema": SCHEMA,
            "version": version.number,
            "commit": version.commit,
            "system": {
                "distribution": "Debian",
                "major": TARGETS[self.suite].number,
                "architecture": "x86_64",
            },
            "repository": {"file": REPOSITORY, "size": size},
            "agent": ours["agent"].name,
            "modules": ours["modules"].name if "modules" in ours else None,
            "collection": ours["collection"].name,
            "packages": {name: package.version for name, package in sorted(locked.items())},
        }

    def _ours(self, version: Version) -> dict[str, Path]:
        found = {"agent": Packages(self.paths, self.tree).ensure_agent(version, self.suite)}
        if self.suite in WITH_MODULES:
            found["modules"] = KernelPackages(self.paths, self.tree).ensure_dkms(version)
        return {**found, "collection": Collection(self.paths, self.tree).make()}

    def _fetch(self, locked: Mapping[str, Package]) -> list[Path]:
        """Return the files of the locked packages; those that are there already stay."""
        archive = self.tree.archive(self.suite)
        archive.refresh()
        lock.check_archive(dict(locked), archive)
        folder = archive.folder / "debs"
        folder.mkdir(exist_ok=True)
        wanted = {file_name(package): package for package in locked.values()}
        for path in folder.iterdir():
            if path.name not in wanted or digest(path) != wanted[path.name].sha256:
                path.unlink()
        missing = [p for name, p in sorted(wanted.items()) if not (folder / name).exists()]
        archive.download(missing, folder)
        for name, package in wanted.items():
            path = folder / name
            if not path.exists() or digest(path) != package.sha256:
                raise BuildError(
                    f"{name} is not the package that is locked.",
                    hint=f"{lock.TAMPERED}",
                )
        return [folder / name for name in sorted(wanted)]


def file_name(package: Package) -> str:
    """Return how apt calls the file of a package; a colon is %3a there."""
    version = package.version.replace(":", "%3a")
    return f"{package.name}_{version}_{package.architecture}.deb"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def repository(debs: list[Path], target: Path, epoch: int) -> None:
    """Write a tar of a flat apt repository: the same packages and epoch give the same bytes."""
    listed = []
    for path in debs:
        fields = command.output(["dpkg-deb", "--field", path]).rstrip("\n")
        size = path.stat().st_size
        listed.append(f"{fields}\nFilename: ./{path.name}\nSize: {size}\nSHA256: {digest(path)}\n")
    index = "\n".join(listed).encode()
    release = RELEASE.format(
        date=formatdate(epoch, usegmt=True),
        digest=hashlib.sha256(index).hexdigest(),
        size=len(index),
    ).encode()
    work = target.with_suffix(".work")
    work.mkdir()
    (work / "Packages").write_bytes(index)
    (work / "Release").write_bytes(release)

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mode = 0o644
        entry.mtime = epoch
        return entry

    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as opened:
        for path in [*sorted(work.iterdir()), *debs]:
            opened.add(path, path.name, filter=plain)
    shutil.rmtree(work)
