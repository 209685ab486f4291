# SPDX-License-Identifier: Apache-2.0
"""The list of repositories that may be shown. Whoever asks names one by its id, never by a path."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.problem import shown
from codex_agent.provision import files
from codex_agent.repos import lock
from codex_agent.repos.errors import QuestionError, RepoError, UnknownRepositoryError
from codex_agent.repos.git import Git
from codex_agent.repos.place import look

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = 1
#: Where the list of a host is, and its name there.
FOLDER = "/etc/codex/repos"
NAME = "repositories.json"
_ID = re.compile(r"[0-9a-f]{16}")
_NAME_MAX = 100
_ENTRIES_MAX = 200  # the file has to stay below what files.read takes
_LOCK_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Entry:
    """An allowed repository; ``path`` is where it really is, ``name`` what a person calls it."""

    id: str
    path: str
    name: str


def id_of(path: Path) -> str:
    """Return the id of a repository: always the same one for the same place."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


class AllowList:
    """The file in ``folder``; ``roots`` is the configuration's, and counts at every opening.

    A ``public`` one may be read by everybody: the service has an account of its own.
    """

    def __init__(
        self, folder: Path, roots: Sequence[Path], program: str | None = None, *,
        public: bool = False,
    ) -> None:  # fmt: skip
        self._folder, self.roots, self._program = folder, tuple(roots), program
        self._mode = files.PUBLIC_FILE if public else files.SECRET_FILE
        files.directory(folder, files.PUBLIC_DIRECTORY if public else files.SECRET_DIRECTORY)

    def entries(self) -> list[Entry]:
        """Return what is allowed, by name; RepoError where the file is not in order."""
        path = self._folder / NAME
        content = files.read(path, self._mode)
        return parsed(path, content) if content is not None else []

    def add(self, path: Path, name: str | None = None) -> Entry:
        """Allow the repository at ``path``; it has to be one, inside of a root, now."""
        place = look(path.absolute(), self.roots, Git(self._folder, self._program))
        chosen = name if name is not None else place.path.name.removesuffix(".git")
        if not chosen or len(chosen) > _NAME_MAX or shown(chosen) != chosen:
            raise QuestionError(
                f"{chosen!r} cannot be the name of a repository.",
                f"A name has 1 to {_NAME_MAX} characters that can be shown.",
            )
        try:
            str(place.path).encode()
        except UnicodeEncodeError:
            raise QuestionError(
                f"The path {place.path!r} is not valid UTF-8.", "Move the repository, then add it."
            ) from None
        entry = Entry(id_of(place.path), str(place.path), chosen)
        with lock.taken(self._folder / ".lock", _LOCK_WAIT_S):
            others = [old for old in self.entries() if old.id != entry.id]
            if any(old.name == entry.name for old in others):
                raise QuestionError(
                    f"There is a repository {entry.name} already.", "Give another --name."
                )
            if len(others) >= _ENTRIES_MAX:
                raise QuestionError(
                    f"There are {_ENTRIES_MAX} repositories already.", "codex repos remove"
                )
            self._store([*others, entry])
        return entry

    def remove(self, id_: str) -> Entry:
        """Take a repository off the list; what was read of it stays until its folder is removed."""
        with lock.taken(self._folder / ".lock", _LOCK_WAIT_S):
            entry = self.find(id_)
            self._store([old for old in self.entries() if old.id != entry.id])
        return entry

    def find(self, id_: str) -> Entry:
        """Return the entry of an id; UnknownRepositoryError for all else, a path above all."""
        if _ID.fullmatch(id_):
            for entry in self.entries():
                if entry.id == id_:
                    return entry
        raise UnknownRepositoryError(f"There is no repository {id_!r}.", "codex repos list")

    def _store(self, entries: list[Entry]) -> None:
        data = {"schema": SCHEMA, "repositories": [asdict(entry) for entry in entries]}
        content = json.dumps(data, indent=2).encode() + b"\n"
        files.write(self._folder / NAME, content, self._mode)


def parsed(path: Path, content: bytes) -> list[Entry]:
    """Return what a list holds, by name; RepoError where it is not in order."""
    try:
        found = _parse(content)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        text = f"{path} is not in order: {error}."
        raise RepoError(text, f"Remove {path} and add the repositories again.") from None
    return sorted(found, key=lambda entry: (entry.name, entry.id))


def _parse(content: bytes) -> list[Entry]:
    data = json.loads(content)
    if data["schema"] != SCHEMA:
        raise ValueError("its schema is another one")
    found = [Entry(**row) for row in data["repositories"]]
    for entry in found:
        if any(not isinstance(value, str) for value in asdict(entry).values()):
            raise ValueError("an entry is not of texts")
        if entry.id != id_of(Path(entry.path)):
            raise ValueError("an id does not belong to its path")
    return found
