# SPDX-License-Identifier: Apache-2.0
"""The roles and playbooks as a collection, out of what git keeps."""

import shutil
from pathlib import Path

from builder import command
from builder.paths import Paths
from builder.tree import Tree


class Collection:
    """Leaves one archive in ``build/collection``."""

    def __init__(self, paths: Paths, tree: Tree) -> None:
        self.paths = paths
        self.tree = tree

    def make(self) -> Path:
        """Return the archive, as ansible-galaxy of the tools tree builds it."""
        folder = self.paths.build / "collection"
        clone = folder / "clone"
        shutil.rmtree(folder, ignore_errors=True)
        clone.mkdir(parents=True)
        root = self.paths.root
        git = ["git", "-c", f"safe.directory={root}", "-C", str(root)]
        for name in filter(None, command.output([*git, "ls-files", "-z"]).split("\0")):
            # A link may lead nowhere, and a file may be gone that is not committed as gone.
            if (root / name).is_file():
                (clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(root / name, clone / name)
        self.tree.run(
            ["ansible-galaxy", "collection", "build", "--output-path", folder, clone],
            log=self.paths.logs / "bundle.log",
        )
        (found,) = folder.glob("codex-os-*.tar.gz")
        shutil.rmtree(clone)
        return found
