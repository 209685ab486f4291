# SPDX-License-Identifier: Apache-2.0
"""Steps that are trusted with their work and nothing else: what compiles sees no key."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from builder import command
from builder.paths import Paths

# Debian's nobody. Root only where a private key has to be read.
NOBODY = 65534
ROOT = 0
# Where the step's folder and the files that it may read are seen.
FOLDER = Path("/mnt")
FILES = Path("/run")


def argv(
    paths: Paths, folder: Path, words: Sequence[str | Path], *, user: int, files: Sequence[Path]
) -> list[str]:
    """Return the command line that runs ``words`` in the sandbox."""
    namespaces = ["unshare", "--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child"]
    enter = [paths.root / "images/builder/in-sandbox", paths.tools, folder, str(user)]
    parts = [*namespaces, "--propagation", "slave", *enter, *files, "--", *words]
    return [str(part) for part in parts]


def run(
    paths: Paths,
    folder: Path,
    words: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: int = NOBODY,
    files: Sequence[Path] = (),
) -> None:
    """Run a command that sees the tools tree, read-only, and ``folder`` as ``/mnt``.

    It has no network, no other process, no environment but ``env``, and of this machine nothing
    else than ``files``, read-only in ``/run``. What it leaves in ``folder`` is not to be trusted:
    a link there can point anywhere.
    """
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **(env or {})}
    command.run(
        argv(paths, folder, words, user=user, files=files), log=log, env=environment, clean=True
    )
