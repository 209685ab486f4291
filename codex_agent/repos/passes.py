# SPDX-License-Identifier: Apache-2.0
"""The second and the third pass: which files each commit changed, and by how many lines.

Both go from the newest commits to the oldest, a block at a time. A block that is stored is never
read again, so a pass that was stopped goes on where it was. Blocks are read by several git at once.
"""

from __future__ import annotations

import itertools
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from codex_agent.repos.blocks import DONE, FAILED, KINDS, MERGE, NONE, Files
from codex_agent.repos.cancel import Cancel
from codex_agent.repos.changes import COUNTS, NAMES, Counted, counted, listed
from codex_agent.repos.errors import DamagedError, TooMuchError
from codex_agent.repos.git import spool
from codex_agent.repos.limits import PASS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_agent.repos.cache import Cache
    from codex_agent.repos.store import Store

Which = Literal["files", "lines"]

#: Commits that fail one after the other before a pass gives up on the rest.
GIVE_UP = 8


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pass is; ``reason`` says why it does not go on."""

    done: int
    total: int
    failed: int
    reason: str | None = None


@dataclass(slots=True)
class _Read:
    """What was read of one span of commits: an entry a commit, in the order of their numbers."""

    first: int
    states: list[int]
    files: list[list[Counted]]
    reasons: dict[int, str] = field(default_factory=dict)


class GivenUpError(DamagedError):
    """So many commits cannot be read that it makes no sense to go on."""


def missing(store: Store, which: Which) -> list[tuple[int, int]]:
    """Return the spans (first, count) that a pass has still to read, the newest first.

    They are cut where blocks of commits are, so that each span lies in one block.
    """
    have = store.spans(which)
    found: list[tuple[int, int]] = []
    place = 0
    for first, length in store.spans("commits"):
        at, end = first, first + length
        while at < end:
            while place < len(have) and sum(have[place]) <= at:
                place += 1
            begin, stop = (have[place][0], sum(have[place])) if place < len(have) else (end, end)
            if at < begin:
                found.append((at, min(begin, end) - at))
            at = max(at, min(stop, end)) if begin < end else end
    return found[::-1]


def progress(store: Store, which: Which) -> Progress:
    """Say how far a pass is."""
    done = sum(count for _, count in store.spans(which))
    failed = store.rows("SELECT COUNT(*) FROM skipped WHERE pass = ?", which)[0][0]
    return Progress(done, store.count, failed, store.fact(f"{which}_reason"))


def run(
    store: Store,
    cache: Cache,
    which: Which,
    *,
    workers: int = 1,
    limits: Limits = PASS,
    cancel: Cancel | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> Progress:
    """Read what is missing; only under the lock. Returns how far it came, and why not further."""
    spans = iter(missing(store, which))
    paths = {path: at for at, path in enumerate(store.paths())}
    stop = cancel or Cancel()
    reason: str | None = None
    with ThreadPoolExecutor(workers, thread_name_prefix=f"git-{which}") as pool:
        running: set[Future[_Read]] = set()

        def start(count: int) -> None:
            for first, length in itertools.islice(spans, count):
                args = (store, cache, which, first, length, limits, stop)
                running.add(pool.submit(_span, *args))

        start(workers)
        while running:
            ended, running_left = wait(running, return_when=FIRST_COMPLETED)
            running = set(running_left)
            for future in ended:
                try:
                    found = future.result()
                except GivenUpError as error:
                    reason, spans = error.message, iter(())
                    continue
                except BaseException:
                    spans = iter(())
                    stop.cancel()
                    raise
                _keep(store, which, found, paths)
                if tell is not None:
                    tell(progress(store, which))
            start(workers - len(running))
    with store.writing():
        if reason is None:
            store.db.execute("DELETE FROM meta WHERE key = ?", (f"{which}_reason",))
        else:
            store.set_fact(f"{which}_reason", reason)
    return progress(store, which)


def _span(
    store: Store, cache: Cache, which: Which, first: int, count: int, limits: Limits, cancel: Cancel
) -> _Read:
    """Read commits ``first`` to ``first + count - 1``, the newest first."""
    read = _Read(first, [DONE] * count, [[] for _ in range(count)])
    todo: list[tuple[bytes, int]] = []
    holder = store.holding("commits", first)
    block = store.block("commits", first if holder is None else holder)
    for number in reversed(range(first, first + count)):
        if len(block.parents_of(number)) > 1:
            read.states[number - first] = MERGE
        else:
            todo.append((block.oid(number).hex().encode(), number))
    in_a_row = 0
    while todo:
        done, error = _attempt(cache, which, read, todo, limits, cancel)
        if error is None:
            break
        number = todo[done][1]
        read.states[number - first] = FAILED
        read.files[number - first] = []
        read.reasons[number] = error.message
        in_a_row = 1 if done else in_a_row + 1
        if in_a_row >= GIVE_UP:
            raise GivenUpError(_why(cache, error), error.hint or "")
        todo = todo[done + 1 :]
    return read


def _attempt(
    cache: Cache,
    which: Which,
    read: _Read,
    todo: list[tuple[bytes, int]],
    limits: Limits,
    cancel: Cancel,
) -> tuple[int, DamagedError | TooMuchError | None]:
    """Read as many commits as git can; returns how many, and why the next one cannot be read."""
    done = 0
    given = b"".join(oid + b"\n" for oid, _ in todo)
    args = COUNTS if which == "lines" else NAMES
    try:
        with (
            spool(given) as stdin,
            cache.git.stream(args, stdin=stdin, limits=limits, cancel=cancel) as run_,
        ):
            for oid, files in _parsed(which, run_.parts(), len(todo[0][0])):
                if done == len(todo) or oid != todo[done][0]:
                    break
                read.files[todo[done][1] - read.first] = files
                done += 1
    except (DamagedError, TooMuchError) as error:
        if done == len(todo):
            raise
        return done, error
    if done != len(todo):
        return done, DamagedError(f"Git left out {todo[done][0].decode()}.", "git fsck")
    return done, None


def _why(cache: Cache, error: DamagedError | TooMuchError) -> str:
    if cache.place.partial:
        return f"It is a partial clone, and what is not here is not fetched. {error.message}"
    return error.message


def _parsed(
    which: Which, parts: Iterator[bytes], id_digits: int
) -> Iterator[tuple[bytes, list[Counted]]]:
    if which == "lines":
        yield from counted(parts, id_digits)
        return
    for oid, files in listed(parts, id_digits):
        yield oid, [(status, path, b"", 0, 0, b"") for status, path in files]


def _keep(store: Store, which: Which, found: _Read, paths: dict[bytes, int]) -> None:
    """Store what was read: one transaction a span."""
    block = Files(found.first)
    block.state.extend(found.states)
    block.count.extend(map(len, found.files))
    known = len(paths)
    flat = [entry for files in found.files for entry in files]
    number_of = paths.setdefault
    block.path.extend([number_of(entry[1], len(paths)) for entry in flat])
    block.status.extend([entry[0][0] for entry in flat])
    if which == "lines":
        block.old.extend([number_of(entry[2], len(paths)) if entry[2] else NONE for entry in flat])
        block.added.extend([min(entry[3], NONE) for entry in flat])
        block.deleted.extend([min(entry[4], NONE) for entry in flat])
        block.kind.extend([KINDS.get(entry[5], 0) for entry in flat])
    fresh = list(itertools.islice(paths.items(), known, None))
    try:
        with store.writing() as db:
            db.executemany("INSERT INTO paths VALUES (?, ?)", [(at, path) for path, at in fresh])
            db.executemany(
                "INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)",
                [(number, which, reason) for number, reason in found.reasons.items()],
            )
            store.put(which, block)
    except BaseException:
        for path, _ in fresh:
            del paths[path]
        raise
