# SPDX-License-Identifier: Apache-2.0
"""The version of everything that is built from one state of the repository."""

import re
from dataclasses import dataclass

from builder import command
from builder.errors import BuildError
from builder.paths import Paths

# A version that a host can hold: "_" and "+" separate the parts of names.
VALID = re.compile(r"[0-9][0-9A-Za-z.~^-]{0,63}")
_PART = re.compile(r"[~^.-]|[0-9]+|[A-Za-z]+")
# What goes before what, where two versions differ; "" is the end of one.
_RANK = {"~": 0, "": 1, "-": 2, "^": 3, ".": 4}
_LETTERS, _DIGITS = 5, 6

# What the build reads as it lies there, whether git knows the file or not.
INPUTS = (
    *("images", "roles", "playbooks", "codex_agent", "kernel"),
    *("requirements", "mkosi.conf"),
)


@dataclass(frozen=True)
class Version:
    """``number`` rises with every commit and ends in ``.dirty`` when the tree differs from it."""

    number: str
    commit: str
    epoch: int


def of(paths: Paths) -> Version:
    """MAJOR.MINOR of pyproject.toml, then the number of commits; BuildError outside a checkout."""
    git = ["git", "-c", f"safe.directory={paths.root}", "-C", str(paths.root)]
    try:
        shallow = command.output([*git, "rev-parse", "--is-shallow-repository"]).strip() == "true"
        count = command.output([*git, "rev-list", "--count", "HEAD"]).strip()
        commit, epoch = command.output([*git, "log", "-1", "--format=%H %ct"]).split()
        changed = command.output([*git, "status", "--porcelain", "--untracked-files=no"])
        new = command.output([*git, "ls-files", "--others", "--exclude-standard", "--", *INPUTS])
    except BuildError as error:
        raise BuildError(
            "The version comes from git, and git cannot read this repository.",
            hint=f"{error.message} {error.hint}".strip(),
        ) from error
    if shallow:
        raise BuildError(
            "This is a shallow clone: commits cannot be counted.", hint="Run git fetch --unshallow."
        )
    project = (paths.root / "pyproject.toml").read_text()
    match = re.search(r'^version = "(\d+)\.(\d+)', project, re.MULTILINE)
    if not match:
        hint = 'Give it version = "MAJOR.MINOR.0".'
        raise BuildError("pyproject.toml has no version.", hint=hint)
    dirty = ".dirty" if changed.strip() or new.strip() else ""
    return Version(f"{match[1]}.{match[2]}.{count}{dirty}", commit, int(epoch))


def order(version: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts versions as hosts do (UAPI.10, codex_agent/update/versions.py)."""
    return [
        (_DIGITS, int(part), "") if part.isdigit()
        else (_RANK.get(part, _LETTERS), 0, part)
        for part in (*_PART.findall(version), "")
    ]  # fmt: skip
