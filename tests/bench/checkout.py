# SPDX-License-Identifier: Apache-2.0
"""A clone of the repository that a row may build from nothing and change as it likes."""

import os
import shutil
from pathlib import Path

from builder import command
from builder.cli import VARIABLES
from builder.errors import BuildError
from builder.tree import mounted_below

from tests.bench.row import Context, Figures
from tests.bench.timing import timed


class Checkout:
    """The last commit in a folder of its own, with nothing built; uncommitted work is not in it."""

    def __init__(self, context: Context, name: str) -> None:
        self.origin = context.paths.root
        self.folder = context.folder / name
        self.log = context.paths.logs / f"bench-{name}.log"

    def renew(self) -> None:
        """Remove what there is and clone again: keys, tools, caches and image are to be made."""
        if mounted_below(self.folder):
            raise BuildError(f"Something is mounted below {self.folder}.", hint="Unmount it.")
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        git = ["git", "-c", "safe.directory=*", "clone", "--quiet", "--no-hardlinks"]
        command.run([*git, str(self.origin), str(self.folder)], log=self.log)

    def build(self) -> Figures:
        """`make image`, timed."""
        front_door = self.folder / "images/builder/front-door"
        env = {name: value for name, value in os.environ.items() if name != VARIABLES}
        return timed([front_door, "image"], log=self.log, cwd=self.folder, env=env)

    def append(self, name: str, line: str) -> None:
        """Change a file of the clone by a line at its end."""
        with (self.folder / name).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")


def source_file(folder: Path, pattern: str) -> str:
    """Name of the first file of a pattern, so that a file that is renamed stays found."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise BuildError(f"No file of the repository is called {pattern}.")
    return str(found[0].relative_to(folder))
