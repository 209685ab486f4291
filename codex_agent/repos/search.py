# SPDX-License-Identifier: Apache-2.0
"""Finds commits by message, author, path or content. Git searches; what it may take is bounded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from codex_agent.repos.errors import QuestionError, TooMuchError
from codex_agent.repos.git import spool
from codex_agent.repos.limits import Limits, page
from codex_agent.repos.questions import checked_path

if TYPE_CHECKING:
    from codex_agent.repos.cancel import Cancel
    from codex_agent.repos.history import History

Field = Literal["message", "author", "path", "content"]

_WORDS_MAX = 200
#: The content of every commit has to be opened, so this one ends after a time and says so.
_CONTENT = Limits(time_s=20.0, silence_s=20.0)
_OTHER = Limits(time_s=10.0, silence_s=10.0)


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of commits, newest first; ``cut`` says why there may be more, None when that is all."""

    commits: list[str]
    cut: str | None


def search(
    history: History, field: Field, words: str, limit: int, cancel: Cancel | None = None
) -> Found:
    """Search all branches. ``words`` are taken as they are, without regard to case.

    Content is where a text was added or removed (git's pickaxe), and regards case, as git does.
    """
    limit = page(limit)
    given = os.fsencode(words)
    if not words or len(given) > _WORDS_MAX or any(ord(char) < 32 for char in words):
        raise QuestionError(
            "What is searched for has 1 to 200 bytes in one line.", "Search for one short text."
        )
    tips = history.refs().tips()
    if not tips:
        return Found([], None)
    args = ["log", "-z", "--format=%H", f"--max-count={limit + 1}", "--ignore-missing"]
    more: list[str] = []
    limits = _OTHER
    if field == "message":
        args += ["--regexp-ignore-case", "--fixed-strings", f"--grep={words}"]
    elif field == "author":
        args += ["--regexp-ignore-case", "--fixed-strings", f"--author={words}"]
    elif field == "path":
        more = ["--", os.fsdecode(checked_path(given))]
    else:
        args += [f"-S{words}", "--no-textconv", "--no-renames"]
        limits = _CONTENT
    found: list[str] = []
    cut: str | None = None
    tips_ = "".join(f"{tip}\n" for tip in tips).encode()
    with spool(tips_) as stdin:
        args = [*args, "--stdin", *more]
        with history.cache.git.stream(args, stdin=stdin, limits=limits, cancel=cancel) as run:
            rest = b""
            try:
                for part in run.parts():
                    *whole, rest = (rest + part).split(b"\0")
                    found += [word.strip().decode() for word in whole if word.strip()]
            except TooMuchError as error:
                cut = error.message
    if len(found) > limit:
        return Found(found[:limit], f"There are more than {limit}.")
    return Found(found, cut)
