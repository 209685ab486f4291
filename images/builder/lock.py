# SPDX-License-Identifier: Apache-2.0
"""Lock files: which version of which package, with its hash; and when the archive has moved on."""

import re
from collections.abc import Iterable
from pathlib import Path

from builder.archive import Archive, Package
from builder.errors import BuildError

HEADER = """\
# SPDX-License-Identifier: Apache-2.0
# Made by `make lock`; do not edit. Columns: package, version, architecture, SHA-256 of the .deb.
"""
MOVE = (
    "Run `make lock` to move the lock to what the archive has now, look at the difference, "
    "and commit it."
)
TAMPERED = (
    "A version never changes its content in Debian's archive: do not trust this mirror until you "
    "know why. Another mirror, or `apt-get update` behind a proxy that caches, may help."
)


def read(path: Path) -> dict[str, Package]:
    """Return the packages of a lock file by name; BuildError for a line that is not of the form."""
    packages: dict[str, Package] = {}
    if not path.exists():
        raise BuildError(
            f"The lock file {path} is missing.",
            hint="Restore it with git, or make it with `make lock`.",
        )
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        words = line.split()
        if len(words) != 4 or not _is_hash(words[3]) or words[0] in packages:
            raise BuildError(
                f"{path}, line {number}, is not a line of a lock file.",
                hint=f"Restore it with git checkout -- {path}.",
            )
        packages[words[0]] = Package(*words)
    return packages


def write(path: Path, packages: Iterable[Package]) -> None:
    """Write a lock file in one step; BuildError for a package of which no hash is known."""
    chosen = sorted(packages, key=lambda package: package.name)
    unknown = [package.name for package in chosen if not _is_hash(package.sha256)]
    if unknown:
        raise BuildError(
            f"The archive gives no SHA-256 for {', '.join(unknown)}.", hint="Use another mirror."
        )
    lines = [f"{p.name} {p.version} {p.architecture} {p.sha256}\n" for p in chosen]
    temporary = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_text(HEADER + "".join(lines))
    temporary.replace(path)


def check_archive(locked: dict[str, Package], archive: Archive) -> None:
    """BuildError that names each locked package that is gone from the archive or has changed."""
    offered: dict[str, list[Package]] = {}
    for package in archive.show(locked):
        offered.setdefault(package.name, []).append(package)
    moved, tampered = [], []
    for name, wanted in locked.items():
        versions = offered.get(name, [])
        same = [p for p in versions if p.version == wanted.version]
        if not same:
            now = ", ".join(sorted({p.version for p in versions})) or "nothing"
            moved.append(f"{name}: locked {wanted.version}, the archive has {now}")
        elif wanted.sha256 not in {p.sha256 for p in same}:
            tampered.append(f"{name} {wanted.version}")
    if tampered:
        raise BuildError(
            f"The archive has other content for {len(tampered)} package(s) of the locked version.",
            hint="\n  ".join([TAMPERED, *tampered]),
        )
    if moved:
        raise BuildError(
            f"The archive has moved on from the lock in {len(moved)} package(s).",
            hint="\n  ".join([MOVE, *moved]),
        )


def check_result(locked: dict[str, Package], installed: dict[str, str], what: str) -> None:
    """BuildError when what was installed (name to version) is not exactly what the lock has."""
    wrong = [
        f"{name} {version} (locked: {locked[name].version if name in locked else 'not at all'})"
        for name, version in sorted(installed.items())
        if name not in locked or locked[name].version != version
    ]
    if wrong:
        raise BuildError(
            f"{what} holds packages that are not the locked ones.", hint="\n  ".join([MOVE, *wrong])
        )


def preferences(locked: Iterable[Package]) -> str:
    """Return apt preferences that choose exactly the locked versions."""
    return "\n".join(
        f"Package: {p.name}\nPin: version {p.version}\nPin-Priority: 1001\n" for p in locked
    )


def _is_hash(word: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", word) is not None
