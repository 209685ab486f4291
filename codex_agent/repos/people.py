# SPDX-License-Identifier: Apache-2.0
"""Who an author is: one person may stand in commits under many names (gitmailmap(5)).

The store keeps authors as they stand in commits. So a new mailmap costs nothing but this, and the
operator's own aliases, in the same format, come on top of the repository's.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.repos.errors import DamagedError, QuestionError
from codex_agent.repos.git import spool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_agent.repos.cache import Cache

_MAILMAP_MAX = 4 * 1024 * 1024
_UNASKED = re.compile(rb"[<>\n\0]")


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


def resolve(cache: Cache, authors: Sequence[tuple[bytes, bytes]], *contents: bytes) -> People:
    """Find the person behind each author; what stands in a later mailmap wins.

    Git itself reads the mailmap, so its rules for cases and names are followed to the letter. What
    cannot be asked (a name with ``<`` or a line's end, which only a broken commit has) stays.
    """
    mapped = _mapped(cache, authors, contents) if any(contents) else {}
    persons: dict[tuple[str, str], int] = {}
    shown: list[Person] = []
    of = []
    for name, email in authors:
        name_, email_ = mapped.get((name, email), (name, email))
        person = Person(text(name_), text(email_))
        key = (person.name, person.email.lower())
        if key not in persons:
            persons[key] = len(shown)
            shown.append(person)
        of.append(persons[key])
    return People(shown, of)


def _mapped(
    cache: Cache, authors: Sequence[tuple[bytes, bytes]], contents: Sequence[bytes]
) -> dict[tuple[bytes, bytes], tuple[bytes, bytes]]:
    if sum(map(len, contents)) > _MAILMAP_MAX:
        raise QuestionError(
            f"The mailmap is longer than {_MAILMAP_MAX} bytes.", "git log -- .mailmap"
        )
    asked = [pair for pair in authors if not _UNASKED.search(pair[0] + pair[1])]
    with spool(b"\n".join(contents) + b"\n") as handle:
        # Git opens the mailmap by name, and this process holds it.
        given = b"".join(b"%s <%s>\n" % pair for pair in asked)
        args = ["-c", f"mailmap.file=/proc/{os.getpid()}/fd/{handle}", "check-mailmap", "--stdin"]
        said = cache.git.output(args, given=given)
    lines = said.split(b"\n")[:-1]
    if len(lines) != len(asked):
        raise DamagedError("Git does not say who its authors are.", "git check-mailmap")
    found = {}
    for pair, line in zip(asked, lines, strict=True):
        name, _, email = line.rpartition(b"<")
        found[pair] = (name.rstrip(b" "), email.removesuffix(b">"))
    return found
