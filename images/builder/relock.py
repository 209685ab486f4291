# SPDX-License-Identifier: Apache-2.0
"""`make lock`: moves the locks to what the archive has now."""

from builder import lock, log, stamp
from builder.image import Image
from builder.paths import Paths
from builder.settings import Settings
from builder.tree import Tree, names


def run(paths: Paths, settings: Settings) -> None:
    """Resolve the tools anew, build the image without a lock, and write down what went in."""
    tree = Tree(paths)
    archive = tree.archive()
    with log.step("Resolving the tools tree"):
        archive.refresh()
        tools = archive.closure(["apt", *names(paths, "tools")])
        lock.write(paths.locks / "tools.lock", tools)
        with_browser = archive.closure(["apt", *names(paths, "tools"), *names(paths, "browser")])
        known = {package.name for package in tools}
        lock.write(paths.locks / "browser.lock", [p for p in with_browser if p.name not in known])
    tree.ensure()
    lock.write(paths.locks / "image.lock", Image(paths, settings, tree).build_for_lock())
    for name in ("image", "image-cache", "initrd"):
        stamp.Stamp(paths.stamps, name).clear()
    log.plain("The locks in images/lock are moved. `git diff images/lock` shows what changed.")
