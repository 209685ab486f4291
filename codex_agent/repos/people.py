# SPDX-License-Identifier: Apache-2.0
"""Who an author is: one person may stand in commits under many names (gitmailmap(5)).

The store keeps authors as they stand in commits. So a new mailmap costs nothing but this, and the
operator's own aliases, in the same format, come on top of the repository's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pygit2

from codex_agent.repos.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAILMAP_MAX = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Person:
    """A name and an address to show; both may hold anything that a commit can hold."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class People:
    """``of`` has for each author of the store the place of a person in ``persons``."""

    persons: Sequence[Person]
    of: Sequence[int]


def text(content: bytes) -> str:
    """Return what a commit says as text; bytes that are no UTF-8 are shown as such, not lost."""
    return content.decode("utf-8", "replace")


def mailmap(*contents: bytes) -> pygit2.Mailmap:
    """Read mailmaps; what stands in a later one wins."""
    if sum(map(len, contents)) > _MAILMAP_MAX:
        raise QuestionError(
            f"The mailmap is longer than {_MAILMAP_MAX} bytes.", "git log -- .mailmap"
        )
    # libgit2 reads a C string, in UTF-8: both would end or break at what no mailmap has.
    joined = b"\n".join(content.replace(b"\0", b"") for content in contents)
    return pygit2.Mailmap.from_buffer(joined.decode("utf-8", "replace"))


def resolve(authors: Sequence[tuple[bytes, bytes]], *contents: bytes) -> People:
    """Find the person behind each author. Addresses are compared without case, as git does."""
    found = mailmap(*contents)
    persons: dict[tuple[str, str], int] = {}
    shown: list[Person] = []
    of = []
    for name, email in authors:
        person = Person(*found.resolve(text(name) or "?", text(email)))
        key = (person.name, person.email.lower())
        if key not in persons:
            persons[key] = len(shown)
            shown.append(person)
        of.append(persons[key])
    return People(shown, of)
