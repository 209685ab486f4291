# SPDX-License-Identifier: Apache-2.0
"""A Debian tree of exactly the locked versions, by mmdebstrap."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from builder import command, lock
from builder.archive import Archive, Package

HINT = "mmdebstrap makes the tree; `make run` installs it with apt when it is missing."


def run(
    archive: Archive,
    locked: Mapping[str, Package],
    names: Sequence[str],
    target: Path,
    *,
    log: Path,
    scratch: Path,
) -> None:
    """Make ``target``, which must not be there, with apt, ``names`` and what they depend on."""
    target.parent.mkdir(parents=True, exist_ok=True)
    pins = archive.folder / f"{target.name}.pref"
    pins.write_text(lock.preferences(locked.values()))
    install = f"install -D -m 0644 {shlex.quote(str(pins))}"
    hook = f'{install} "$1/etc/apt/preferences.d/codex-lock"'
    # Which suite a package comes from is what the pins say.
    include = ",".join(name.partition("/")[0] for name in names)
    command.run(
        [
            "mmdebstrap",
            "--mode=root",
            "--variant=apt",
            "--architectures=amd64",
            f"--include={include}",
            '--aptopt=APT::Install-Recommends "false"',
            f"--setup-hook={hook}",
            archive.suite,
            target,
            archive.sources,
        ],
        log=log,
        env={"TMPDIR": str(scratch)},
        hint=HINT,
    )


def installed(tree: Path) -> dict[str, str]:
    """Return name and version of each package that dpkg's database of a tree lists."""
    words = ["dpkg-query", f"--admindir={tree}/var/lib/dpkg", "-W", "-f", "${Package} ${Version}\n"]
    return dict(line.split() for line in command.output(words).splitlines())
