# SPDX-License-Identifier: Apache-2.0
"""`make lock`: moves the locks to what the archive has now."""

from builder import lock, log, stamp
from builder.host_disk import SUITES
from builder.image import Image
from builder.paths import Paths
from builder.settings import Settings
from builder.tree import GROUPS, Tree, names


def run(paths: Paths, settings: Settings) -> None:
    """Resolve the tools anew, build the image without a lock, and write down what went in."""
    tree = Tree(paths)
    archive = tree.archive()
    with log.step("Resolving the tools tree"):
        archive.refresh()
        tools = archive.closure(["apt", *names(paths, "tools")])
        lock.write(paths.locks / "tools.lock", tools)
        known = {package.name for package in tools}
        for group in GROUPS:
            added = archive.closure(["apt", *names(paths, "tools"), *names(paths, group)])
            lock.write(paths.locks / f"{group}.lock", [p for p in added if p.name not in known])
        unpacked = names(paths, "kernel-files")
        files = [p for p in archive.closure(unpacked) if p.name in unpacked]
        lock.write(paths.locks / "kernel-files.lock", files)
        lock.write(paths.locks / "dkms.lock", archive.closure(["apt", *names(paths, "dkms")]))
    with log.step("Resolving the plain hosts"):
        for suite in SUITES:
            other = tree.archive(suite)
            other.refresh()
            wanted = ["apt", *names(paths, f"host-{suite}")]
            lock.write(paths.locks / f"host-{suite}.lock", other.closure(wanted))
            offline = ["apt", *names(paths, f"bundle-{suite}")]
            lock.write(paths.locks / f"bundle-{suite}.lock", other.closure(offline))
    tree.ensure()
    lock.write(paths.locks / "image.lock", Image(paths, settings, tree).build_for_lock())
    for name in ("image", "image-cache", "initrd"):
        stamp.Stamp(paths.stamps, name).clear()
    log.plain("The locks in images/lock are moved. `git diff images/lock` shows what changed.")
