# SPDX-License-Identifier: Apache-2.0
"""The version of everything that is built from one state of the repository."""

import re
from dataclasses import dataclass

from builder import command
from builder.errors import BuildError
from builder.paths import Paths


@dataclass(frozen=True)
class Version:
    """``number`` rises with every commit and ends in ``.dirty`` when the work tree differs from it."""

    number: str
    commit: str
    epoch: int


def of(paths: Paths) -> Version:
    """MAJOR.MINOR of pyproject.toml, then the number of commits; BuildError outside a git checkout."""
    try:
        safe = ["git", "-c", f"safe.directory={paths.root}", "-C", paths.root]
        count = command.output([*safe, "rev-list", "--count", "HEAD"]).strip()
        commit, epoch = command.output([*safe, "log", "-1", "--format=%H %ct"]).split()
        dirty = command.output([*safe, "status", "--porcelain", "--untracked-files=no"]).strip()
        shallow = command.output([*safe, "rev-parse", "--is-shallow-repository"]).strip() == "true"
    except BuildError as error:
        raise BuildError("The version comes from git, and git cannot read this repository.", hint=error.hint) from error
    if shallow:
        raise BuildError("This is a shallow clone: commits cannot be counted.", hint="Run git fetch --unshallow.")
    match = re.search(r'^version = "(\d+)\.(\d+)', (paths.root / "pyproject.toml").read_text(), re.MULTILINE)
    if not match:
        raise BuildError("pyproject.toml has no version.", hint='Give it version = "MAJOR.MINOR.0".')
    number = f"{match[1]}.{match[2]}.{count}{'.dirty' if dirty else ''}"
    return Version(number, commit, int(epoch))
