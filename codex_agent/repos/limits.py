# SPDX-License-Identifier: Apache-2.0
"""How much one run of git, and one answer, may take. Repositories are not trusted."""

from __future__ import annotations

from dataclasses import dataclass

from codex_agent.repos.errors import QuestionError

MIB = 1024 * 1024
#: Rows of one page, whatever was asked for.
PAGE_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run of git.

    ``time_s`` is wall time in all, ``silence_s`` wall time without a byte of output, ``data_bytes``
    private memory (RLIMIT_DATA: maps of packs do not count), ``out_bytes`` output that is read.
    """

    time_s: float = 30.0
    silence_s: float = 30.0
    data_bytes: int = 2048 * MIB
    out_bytes: int = 64 * MIB


#: For a person who waits.
QUESTION = Limits()
#: For a pass over a whole history. It is resumed where it was stopped, so it may take long.
PASS = Limits(time_s=6 * 3600.0, silence_s=300.0, out_bytes=64 * 1024 * MIB)


def page(limit: int) -> int:
    """Return how many rows a page has; QuestionError below 1, never more than ``PAGE_MAX``."""
    if limit < 1:
        raise QuestionError(
            f"A limit of {limit} rows asks for nothing.", f"Ask for 1 to {PAGE_MAX} rows."
        )
    return min(limit, PAGE_MAX)
