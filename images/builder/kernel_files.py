# SPDX-License-Identifier: Apache-2.0
"""What is unpacked and never installed: kernels that guests boot, and the source for checkers."""

import hashlib
import re
import shutil
from pathlib import Path

from builder import lock, log, stamp
from builder.archive import Package
from builder.errors import BuildError
from builder.paths import Paths
from builder.tree import Tree, names

GROUP = "kernel-files"
# Parts of the kernel's source that checkers read; the archive of all of it lies beside them.
PARTS = ("scripts", ".clang-format", "Documentation/dev-tools/checkpatch.rst")
FETCH_HINT = "The network or the mirrors fail."


def ensure(paths: Paths, tree: Tree) -> None:
    """Leave ``build/kernels/RELEASE/vmlinuz`` for each kernel, and ``build/kernel-source``.

    The image's kernel comes from a package of the group, other kernels from the tools tree, where
    their headers have brought them; so the tree has to have its group ``kernel``.
    """
    wanted = stamp.digest(
        files=[paths.locks / f"{GROUP}.lock", paths.locks / f"{GROUP}.in", Path(__file__)],
        words=[stamp.Stamp(paths.stamps, "kernel").path.read_text()],
    )
    made = stamp.Stamp(paths.stamps, GROUP)
    if made.fresh(wanted) and paths.kernels.is_dir() and paths.kernel_source.is_dir():
        return
    locked = lock.read(paths.locks / f"{GROUP}.lock")
    with made.renewed(wanted), log.step("Unpacking kernels for guests and the kernel's source"):
        for folder in (paths.kernels, paths.kernel_source):
            shutil.rmtree(folder, ignore_errors=True)
        for found in sorted((paths.tools / "boot").glob("vmlinuz-*")):
            _keep_kernel(paths, found)
        for name in names(paths, GROUP):
            _unpack(paths, tree, _fetched(paths, tree, _locked(locked, name)))


def _locked(locked: dict[str, Package], name: str) -> Package:
    if name not in locked:
        raise BuildError(
            f"The package {name} is in {GROUP}.in, but not in its lock.", hint="Run `make lock`."
        )
    return locked[name]


def _fetched(paths: Paths, tree: Tree, package: Package) -> Path:
    """Return the .deb, fetched unless it is there; BuildError when it has not its locked hash."""
    folder = paths.build / "cache/kernel-files"
    folder.mkdir(parents=True, exist_ok=True)
    version = package.version.replace(":", "%3a")
    deb = folder / f"{package.name}_{version}_{package.architecture}.deb"
    if not (deb.exists() and _sha256(deb) == package.sha256):
        deb.unlink(missing_ok=True)
        argv = ["apt-get", "-q", "update"]
        tree.run(argv, log=paths.logs / "kernel-files.log", hint=FETCH_HINT)
        argv = ["apt-get", "-q", "download", f"{package.name}={package.version}"]
        tree.run(argv, log=paths.logs / "kernel-files.log", cwd=folder, hint=FETCH_HINT)
    if _sha256(deb) != package.sha256:
        deb.unlink()
        raise BuildError(
            f"{deb.name} does not have its locked hash.",
            hint="Try again; if it stays, do not trust the mirror.",
        )
    return deb


def _unpack(paths: Paths, tree: Tree, deb: Path) -> None:
    """Keep the kernel of a package, or the source that it holds."""
    folder = paths.build / "kernel-files.new"
    shutil.rmtree(folder, ignore_errors=True)
    logfile = paths.logs / "kernel-files.log"
    tree.run(["dpkg-deb", "--extract", deb, folder], log=logfile)
    for found in [*folder.glob("boot/vmlinuz-*"), *folder.glob("usr/lib/modules/*/vmlinuz")]:
        _keep_kernel(paths, found)
    for found in folder.glob("usr/src/linux-source-*.tar.xz"):
        paths.kernel_source.mkdir()
        kept = found.rename(paths.kernel_source / found.name)
        parts = [f"{found.name.removesuffix('.tar.xz')}/{part}" for part in PARTS]
        argv: list[str | Path] = ["tar", "--extract", "--file", kept, "--strip-components=1"]
        tree.run([*argv, "--no-same-owner", *parts], log=logfile, cwd=paths.kernel_source)
    shutil.rmtree(folder)


def _keep_kernel(paths: Paths, kernel: Path) -> None:
    """Copy a kernel to the folder of its release, which its name or its folder says."""
    release = kernel.name.removeprefix("vmlinuz-")
    if release == kernel.name:
        release = kernel.parent.name
    if not re.fullmatch(r"[0-9][0-9A-Za-z.+~-]*", release):
        raise BuildError(f"{kernel} does not say which kernel it is.")
    (paths.kernels / release).mkdir(parents=True)
    shutil.copy(kernel, paths.kernels / release / "vmlinuz")


def _sha256(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
