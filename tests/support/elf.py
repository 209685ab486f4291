# SPDX-License-Identifier: Apache-2.0
"""Finds shared libraries that the dynamic loader would not find."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import programs, tree

_MAGIC = b"\x7fELF"
#: Type of an ELF file that holds code for the host's loader (executables and shared objects).
_LOADABLE = (2, 3)
_BATCH = 400


@dataclass
class Object:
    """Dynamic section of one ELF file."""

    path: str
    needed: list[str] = field(default_factory=list)
    search: list[str] = field(default_factory=list)
    interpreter: str | None = None


def is_elf(path: Path) -> bool:
    """Tell whether the file is an executable or a shared object (not a kernel module)."""
    with path.open("rb") as file:
        head = file.read(18)
    return head[:4] == _MAGIC and len(head) == 18 and head[16] in _LOADABLE


def read(root: Path) -> list[Object]:
    """Dynamic sections of all ELF files below ``root``."""
    entries = [entry for entry in tree.walk(root) if entry.is_file and is_elf(entry.real)]
    objects: list[Object] = []
    for start in range(0, len(entries), _BATCH):
        batch = entries[start : start + _BATCH]
        paths = {str(entry.real): entry.path for entry in batch}
        # readelf names the file only when it is given more than one.
        listing = programs.text("readelf", "-dlW", *paths, "/proc/self/exe")
        objects += _parse(listing, paths)
    return objects


def _parse(listing: str, paths: dict[str, str]) -> list[Object]:
    objects: list[Object] = []
    for chunk in re.split(r"^File: ", listing, flags=re.MULTILINE)[1:]:
        real, _, body = chunk.partition("\n")
        if real not in paths:
            continue
        interpreter = re.search(r"\[Requesting program interpreter: (.*)\]", body)
        found = Object(paths[real], interpreter=interpreter[1] if interpreter else None)
        for tag, value in re.findall(r"\((NEEDED|RPATH|RUNPATH)\).*\[(.*)\]", body):
            if tag == "NEEDED":
                found.needed.append(value)
            else:
                found.search += value.split(":")
        objects.append(found)
    return objects


def default_directories(root: Path) -> list[str]:
    """Directories that the loader searches for every program: ld.so.conf, then its own."""
    directories: list[str] = []
    for fragment in [root / "etc/ld.so.conf", *sorted((root / "etc/ld.so.conf.d").glob("*.conf"))]:
        if fragment.is_file():
            lines = (line.split("#")[0].strip() for line in fragment.read_text().splitlines())
            directories += [line for line in lines if line.startswith("/")]
    triplet = "/x86_64-linux-gnu"
    return [*directories, "/lib" + triplet, "/usr/lib" + triplet, "/lib", "/usr/lib", "/lib64"]


def unresolved(root: Path) -> list[str]:
    """One line for every library or interpreter that is needed and missing below ``root``."""
    defaults = default_directories(root)
    objects = read(root)

    def finds(found: Object, library: str) -> bool:
        origin = found.path.rpartition("/")[0]
        own = [re.sub(r"\$\{?ORIGIN\}?", origin, directory) for directory in found.search]
        places = [library] if "/" in library else [f"{d}/{library}" for d in own + defaults]
        return any(tree.resolve(root, place) for place in places)

    def brought(found: Object, library: str) -> bool:
        """Tell whether all that load ``found`` have loaded ``library`` themselves, by its name."""
        name = found.path.rpartition("/")[2]
        users = [user for user in objects if name in user.needed]
        return bool(users) and all(library in u.needed and finds(u, library) for u in users)

    problems: list[str] = []
    for found in objects:
        problems += [
            f"{found.path} needs {library}"
            for library in found.needed
            if not finds(found, library) and not brought(found, library)
        ]
        if found.interpreter and not tree.resolve(root, found.interpreter):
            problems.append(f"{found.path} needs the interpreter {found.interpreter}")
    return problems
