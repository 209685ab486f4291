# SPDX-License-Identifier: Apache-2.0
"""How slow a source of chunks may be: not each of them counts, but all of them together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import chunks, index, names
from codex_agent.update.exits import Exit
from codex_agent.update.fetch import Fetcher, Pace
from codex_agent.update.source import Opened
from tests.unit.agent.update.releases import CHUNK, index_of, noise

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 40
CONTENT = noise(COUNT * CHUNK, 7)


@dataclass
class Line:
    """A source with all chunks, that gives so many bytes in each second of its own clock.

    It stands still for ``still`` seconds before each answer.
    """

    rate: int
    still: float = 0.0
    label: str = "https://slow.example"
    now: float = 1000.0
    asked: list[str] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def open(self, name: str, start: int = 0) -> Opened:
        self.asked.append(name)
        self.now += self.still
        left = [CHUNK]

        def read(most: int) -> bytes:
            given = min(most, self.rate, left[0])
            left[0] -= given
            self.now += given / self.rate
            return b"x" * given

        return Opened(start, CHUNK, read, lambda: None)

    def close(self) -> None:
        pass


def given(line: Line, cache: Path) -> chunks.Chunks:
    found = index.parse(index_of(CONTENT))
    chunks.prepare(cache, found)
    fetcher = Fetcher(line, pace=Pace(clock=line.clock), sleep=line.sleep)
    return chunks.Chunks(found, cache, fetcher, lambda _done: None)


def take(work: chunks.Chunks, line: Line, *, between: float = 0.0) -> int:
    """Ask for each chunk as casync does; return how many were had."""
    for count, identifier in enumerate(work.index.chunks):
        if work.give(identifier) is None:
            return count
        line.now += between
    return COUNT


@pytest.mark.parametrize("line", [Line(1000), Line(280), Line(10**6, still=5.0)])
def test_chunks_that_come_too_slowly_together(tmp_path: Path, line: Line) -> None:
    work = given(line, tmp_path / "chunks")
    began = line.now
    had = take(work, line)
    assert work.error is not None
    assert work.error.message == f"{line.label} sends less than 1024 bytes a second."
    assert work.error.exit_code == Exit.UNREACHABLE
    # It was given its minute, and was not asked again for what it would take as long for.
    assert 60 <= line.now - began < 80
    assert len(line.asked) == had + 1
    assert len(list(work.cache.iterdir())) == had > 0


@pytest.mark.parametrize("line", [Line(1100), Line(10**6, still=3.5)])
def test_chunks_that_come_fast_enough(tmp_path: Path, line: Line) -> None:
    work = given(line, tmp_path / "chunks")
    assert take(work, line) == COUNT
    assert line.now > 1000 + 2 * work.fetcher.pace.window_s


def test_the_time_that_casync_takes_is_not_that_of_the_source(tmp_path: Path) -> None:
    line = Line(10**6)
    assert take(given(line, tmp_path / "chunks"), line, between=30.0) == COUNT


def test_what_was_moved_before_buys_no_time(tmp_path: Path) -> None:
    """A window begins anew where its time is over: a fast beginning does not hide what follows."""
    line = Line(10**6)
    work = given(line, tmp_path / "chunks")
    for identifier in work.index.chunks[:20]:
        assert work.give(identifier) is not None
    line.now += 1.0
    line.rate = 100
    began = line.now
    assert take(work, line) >= 20
    assert work.error is not None
    assert "less than 1024 bytes a second" in work.error.message
    assert line.now - began < 3 * work.fetcher.pace.window_s


def test_the_source_is_asked_for_chunks_only(tmp_path: Path) -> None:
    line = Line(10**6)
    work = given(line, tmp_path / "chunks")
    take(work, line)
    assert line.asked == [
        names.chunk(hashlib.sha256(CONTENT[at : at + CHUNK]).hexdigest())
        for at in range(0, len(CONTENT), CHUNK)
    ]
