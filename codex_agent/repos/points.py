# SPDX-License-Identifier: Apache-2.0
"""Single objects: a blob, a directory, a commit, the merge base of two commits.

libgit2 reads them without starting a process. It is only ever shown our own Git directory, so no
configuration of a user reaches it, and it finds the user's objects through it whatever the format
of the user's refs. Its build in pygit2 knows SHA-1 only: SHA-256 objects are read by git itself.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pygit2
from pygit2.enums import ConfigLevel

from codex_agent.repos.errors import DamagedError, NotFoundError, QuestionError, TooMuchError
from codex_agent.repos.limits import MIB, Limits

if TYPE_CHECKING:
    from codex_agent.repos.cache import Cache

#: Bytes of one object that are read for a question, and entries of one directory.
OBJECT_MAX = 16 * MIB
ENTRIES_MAX = 100_000
_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_TYPES = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """An entry of a directory: the name as bytes, git's mode as a number, the object's id."""

    name: bytes
    mode: int
    oid: str


def oid(text: str, digits: int | None = None) -> str:
    """Check what a client gave as an object id; QuestionError for a name, a range or an option."""
    if _OID.fullmatch(text) is None or (digits is not None and len(text) != digits):
        raise QuestionError(
            f"{text[:80]!r} is not the id of an object.", "An id is whole, in small letters."
        )
    return text


class Points(Protocol):
    """Reads single objects. All ids are whole, in hexadecimal digits."""

    def header(self, name: str) -> tuple[str, int]:
        """Return type and size in bytes; NotFoundError where there is no such object."""

    def content(self, name: str, most: int = OBJECT_MAX) -> tuple[str, bytes]:
        """Return type and content; TooMuchError where it has more than ``most`` bytes."""

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor, None where there is none."""


def points(cache: Cache) -> Points:
    """Return what reads the objects of a repository."""
    return _Git(cache) if cache.place.object_format == "sha256" else _Library(cache)


def _none(name: str) -> NotFoundError:
    return NotFoundError(
        f"There is no object {name} here.", "It may have been collected by git gc."
    )


def _bounded(name: str, size: int, most: int) -> None:
    if size > most:
        raise TooMuchError(
            f"The object {name} has {size} bytes; at most {most} are read.", "git cat-file -p"
        )


_settled = threading.Event()


def _settle() -> None:
    """Let libgit2 look for no configuration outside of the repository."""
    if not _settled.is_set():
        for level in (ConfigLevel.SYSTEM, ConfigLevel.GLOBAL, ConfigLevel.XDG):
            pygit2.settings.search_path[level] = ""
        _settled.set()


class _Library:
    def __init__(self, cache: Cache) -> None:
        _settle()
        try:
            self._repo = pygit2.Repository(str(cache.git.folder))
        except pygit2.GitError as error:
            raise DamagedError(f"The repository cannot be opened: {error}.", "git fsck") from None

    def header(self, name: str) -> tuple[str, int]:
        try:
            kind, size = self._repo.odb.read_header(oid(name, 40))
        except KeyError:
            raise _none(name) from None
        except (pygit2.GitError, ValueError) as error:
            raise _damaged(name, error) from None
        return _TYPES.get(int(kind), "unknown"), size

    def content(self, name: str, most: int = OBJECT_MAX) -> tuple[str, bytes]:
        kind, size = self.header(name)
        _bounded(name, size, most)
        try:
            return kind, self._repo.odb.read(name)[1]
        except KeyError:
            raise _none(name) from None
        except (pygit2.GitError, ValueError) as error:
            raise _damaged(name, error) from None

    def merge_base(self, one: str, other: str) -> str | None:
        try:
            found = self._repo.merge_base(oid(one, 40), oid(other, 40))
        except (KeyError, ValueError):
            raise _none(f"{one} or {other}") from None
        except pygit2.GitError as error:
            raise _damaged(one, error) from None
        return None if found is None else str(found)


def _damaged(name: str, error: Exception) -> DamagedError:
    return DamagedError(f"The object {name} cannot be read: {str(error).rstrip('.')}.", "git fsck")


class _Git:
    def __init__(self, cache: Cache) -> None:
        self._git = cache.git

    def header(self, name: str) -> tuple[str, int]:
        given = f"{oid(name, 64)}\n".encode()
        words = self._git.output(["cat-file", "--batch-check"], given=given).split()
        if len(words) != 3:
            raise _none(name)
        return words[1].decode(), int(words[2])

    def content(self, name: str, most: int = OBJECT_MAX) -> tuple[str, bytes]:
        kind, size = self.header(name)
        _bounded(name, size, most)
        limits = Limits(out_bytes=most + 1)
        return kind, self._git.output(["cat-file", kind, name], limits=limits)

    def merge_base(self, one: str, other: str) -> str | None:
        self.header(one)
        self.header(other)
        try:
            return self._git.output(["merge-base", one, other]).decode().strip() or None
        except DamagedError as error:
            if error.message.endswith("status 1."):
                return None
            raise


def entries(read: Points, tree: str) -> list[TreeEntry]:
    """Return the entries of a directory, in git's order."""
    kind, content = read.content(tree)
    if kind != "tree":
        raise QuestionError(f"{tree} is a {kind}, not a directory.", "Ask for its content.")
    size = len(tree) // 2
    found: list[TreeEntry] = []
    at = 0
    while at < len(content):
        space, end = content.find(b" ", at), content.find(b"\0", at)
        if not at < space < end or end + 1 + size > len(content) or len(found) >= ENTRIES_MAX:
            raise DamagedError(f"The directory {tree} cannot be read.", "git fsck")
        name, ident = content[space + 1 : end], content[end + 1 : end + 1 + size]
        found.append(TreeEntry(name, int(content[at:space], 8), ident.hex()))
        at = end + 1 + size
    return found


def commit_header(read: Points, commit: str) -> tuple[dict[str, str], str]:
    """Return the fields of a commit (of those that repeat, the first) and its whole message."""
    kind, content = read.content(commit)
    if kind != "commit":
        raise QuestionError(f"{commit} is a {kind}, not a commit.", "Ask for a commit.")
    head, _, message = content.partition(b"\n\n")
    fields: dict[str, str] = {}
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key:
            fields.setdefault(key.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
    try:
        shown = message.decode(fields.get("encoding", "utf-8"), "replace")
    except LookupError:
        shown = message.decode("utf-8", "replace")
    return fields, shown


def lookup(read: Points, commit: str, path: bytes) -> TreeEntry | None:
    """Return what lies at ``path`` in a commit; None where nothing does. b"" is the whole tree."""
    fields, _ = commit_header(read, commit)
    entry = TreeEntry(b"", 0o040000, fields.get("tree", ""))
    for name in [part for part in path.split(b"/") if part]:
        if entry.mode != 0o040000:
            return None
        found = next((e for e in entries(read, entry.oid) if e.name == name), None)
        if found is None:
            return None
        entry = found
    return entry
