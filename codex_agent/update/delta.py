# SPDX-License-Identifier: Apache-2.0
"""Puts a new root or UKI together from one that is here and the chunks that differ, by casync."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.provision.files import sync_directory
from codex_agent.update import chunks, index, names
from codex_agent.update.fetch import digest_of, disk_error
from codex_agent.update.source import Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from codex_agent.update.fetch import Fetcher
    from codex_agent.update.program import Done, Runner
    from codex_agent.update.release import File, Release

CASYNC = "casync"
TIMEOUT_S = 6 * 3600.0  # for a whole root over a slow line; a source that stands still ends sooner


class Unsuitable(Exception):  # noqa: N818 - a reason, not a fault
    """The delta cannot be used; ``reason`` completes "The whole … is fetched: …"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Spoilt(Unsuitable):
    """What it was put together of is not what it should be."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to be put together, as it was signed; ``kind`` is what a person calls it.

    ``seed`` says so of the file that it is begun with.
    """

    kind: str
    seed: str
    name: str
    bytes: int
    sha256: str
    index: File | None


def root(release: Release) -> Wanted:
    """Return the root as it will lie in its partition."""
    name = release.name(names.UNPACKED_ROOT)
    listed = release.files.get("root-index")
    return Wanted("root", "running root", name, release.root_bytes, release.root_sha256, listed)


def uki(release: Release) -> Wanted:
    """Return the UKI."""
    file, listed = release.files["uki"], release.files.get("uki-index")
    return Wanted("UKI", "running UKI", file.name, file.bytes, file.sha256, listed)


def reset(release: Release) -> Wanted:
    """Return the entry for a factory reset, which has kernel and initrd of the new UKI."""
    file, listed = release.files["reset"], release.files.get("reset-index")
    return Wanted("entry for a reset", "new UKI", file.name, file.bytes, file.sha256, listed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a delta moved, and what was already here."""

    moved: int
    reused: str | None


def argv(store: str, seed: Path, index_path: Path, target: Path) -> list[str]:
    """Return the command that extracts ``target``."""
    return [
        CASYNC, "extract", "--verbose", f"--store={store}", f"--seed={seed}",
        "--what=blob-index", "--seed-output=no", "--reflink=no", "--punch-holes=no",
        str(index_path), str(target),
    ]  # fmt: skip


def reused(said: str) -> str | None:
    """Return how much came out of the seed, from casync's last words."""
    for line in said.replace("\r", "\n").splitlines():
        _, mark, rest = line.partition("Bytes used from local seed:")
        if mark:
            return rest.strip() or None
    return None


@dataclass
class Delta:
    """Puts files together below ``stage``; ``work`` is a folder beside it."""

    run: Runner
    stage: Path
    work: Path
    cache: Path
    keep: Sequence[int]
    tell: Callable[[str, int, int], None]

    def make(self, wanted: Wanted, seed: Path | None, fetcher: Fetcher) -> Outcome:
        """Make the file, or raise ``Unsuitable``; what a source does wrong ends it all."""
        entry = wanted.index
        if entry is None:
            raise Unsuitable("this release has no index of chunks for it")
        if seed is None or not seed.exists():
            where = f" ({seed})" if seed is not None else ""
            raise Unsuitable(f"the {wanted.seed}{where} is not there to begin with")
        before = fetcher.moved
        try:
            path = fetcher.file(entry.name, entry.bytes, entry.sha256, self.stage)
        except Missing:
            raise Unsuitable("the source lacks its index of chunks") from None
        if entry.bytes > index.LIMIT:
            raise Unsuitable("the index of chunks is too long")
        try:
            found = index.parse(path.read_bytes())
        except ValueError as error:
            raise Unsuitable(f"the index of chunks cannot be used, {error}") from None
        if found.size != wanted.bytes:
            raise Unsuitable(f"the index of chunks is that of another {wanted.kind}")
        made = self._fresh(wanted.name, found)
        kept = any(self.cache.iterdir())
        try:
            done = self._extract(found, path, seed, made, fetcher, wanted)
        except _Spoilt:
            if not kept:
                raise
            # A chunk of an earlier run, which a power cut may have spoilt: all are fetched anew.
            made = self._fresh(wanted.name, found)
            done = self._extract(found, path, seed, made, fetcher, wanted)
        made.rename(self.stage / wanted.name)
        sync_directory(self.stage)
        for folder in (self.work, self.cache):
            shutil.rmtree(folder, ignore_errors=True)
        return Outcome(fetcher.moved - before, reused(done.err + done.out))

    def _fresh(self, name: str, found: index.Index) -> Path:
        try:
            # casync writes beside its target and renames; what a cut run left is nothing of use.
            shutil.rmtree(self.work, ignore_errors=True)
            self.work.mkdir(mode=0o700)
            chunks.prepare(self.cache, found)
        except OSError as error:
            raise disk_error(error, self.work.parent) from None
        return self.work / name

    def _extract(
        self,
        found: index.Index,
        path: Path,
        seed: Path,
        made: Path,
        fetcher: Fetcher,
        wanted: Wanted,
    ) -> Done:
        def tell(done: int, total: int = 0) -> None:
            self.tell(f"chunks of {made.name}", done, total)

        given = chunks.Chunks(found, self.cache, fetcher, tell)
        with chunks.served(given) as store:
            command = argv(store, seed, path, made)
            done = self.run(command, timeout_s=TIMEOUT_S, keep=self.keep)
        tell(given.served, given.served)
        self._judge(done, given, made, wanted)
        return done

    def _judge(self, done: Done, given: chunks.Chunks, made: Path, wanted: Wanted) -> None:
        if given.error is not None:
            raise given.error
        if given.missing is not None:
            raise Unsuitable(f"the source lacks the chunk {given.missing[:16]}…")
        if done.status != 0 and os.strerror(errno.ENOSPC) in done.err:
            raise disk_error(OSError(errno.ENOSPC, ""), self.work.parent)
        if done.status is None:
            # It did not end by itself, which says nothing of the chunks: the next run goes on.
            raise Unsuitable(f"casync did not put it together, {done.last}")
        if done.status != 0:
            # A chunk that was spoilt must not spoil the next try as well.
            shutil.rmtree(self.cache, ignore_errors=True)
            raise _Spoilt(f"casync did not put it together, {done.last}")
        whole = made.is_file() and made.stat().st_size == wanted.bytes
        if not whole or digest_of(made) != wanted.sha256:
            shutil.rmtree(self.cache, ignore_errors=True)
            made.unlink(missing_ok=True)
            raise _Spoilt("what casync put together is not what was signed")
