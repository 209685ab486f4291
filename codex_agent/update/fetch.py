# SPDX-License-Identifier: Apache-2.0
"""Brings files of a source here: never more bytes than were signed, never too slow, and resumed.

An unfinished file lies beside its place as ``<name>.part``; the next run asks only for the rest.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_agent.provision.files import sync_directory
from codex_agent.update.exits import Exit, UpdateError, full
from codex_agent.update.source import Broken

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from codex_agent.update.source import Opened, Source

SMALL_S = 60.0  # for a file that is read into memory
PART = 256 * 1024
ATTEMPTS = 4
PAUSE_S = 2.0
UNFINISHED = ".part"


class Slow(Broken):
    """The source was given its time: to ask it again at once would take as long again."""


@dataclass
class Pace:
    """Refuses a source that is too slow: less than ``floor`` bytes/s over ``window_s``.

    Between ``pause`` and ``resume`` nothing is asked of it, and no time counts.
    """

    floor: int = 1024
    window_s: float = 60.0
    clock: Callable[[], float] = field(default=time.monotonic)
    _since: float = 0.0
    _passed: float = 0.0
    _moved: int = 0

    def begin(self) -> None:
        """Begin to count."""
        self._since, self._passed, self._moved = self.clock(), 0.0, 0

    def pause(self) -> None:
        """Keep the time that has passed so far."""
        self._passed = self._time()

    def resume(self) -> None:
        """Go on to count."""
        self._since = self.clock()

    def moved(self, count: int, label: str) -> None:
        """Count bytes; raises where the source is too slow."""
        self._moved += count
        passed = self._time()
        if passed >= self.window_s:
            if self._moved < self.floor * passed:
                raise Slow(label, f"sends less than {self.floor} bytes a second")
            self.begin()

    def _time(self) -> float:
        return self._passed + self.clock() - self._since


@dataclass
class Fetcher:
    """Fetches from one source; ``tell`` gets name, bytes that are here, and bytes in all.

    ``moved`` counts what really came over the wire.
    """

    source: Source
    tell: Callable[[str, int, int], None] = field(default=lambda _name, _done, _total: None)
    pace: Pace = field(default_factory=Pace)
    sleep: Callable[[float], None] = field(default=time.sleep)
    attempts: int = ATTEMPTS
    small_s: float = SMALL_S
    moved: int = 0

    def chunk(self, name: str, limit: int) -> bytes:
        """Return one of many small files, of which no one need be slow for all to take for ever."""
        self.pace.resume()
        try:
            return self.small(name, limit, lambda count: self.pace.moved(count, self.source.label))
        finally:
            self.pace.pause()

    def small(self, name: str, limit: int, told: Callable[[int], None] | None = None) -> bytes:
        """Return a file of at most ``limit`` bytes; ``told`` gets how many came."""
        opened = self.source.open(name)
        end = self.pace.clock() + self.small_s
        parts: list[bytes] = []
        have = 0
        try:
            if opened.total is not None and opened.total > limit:
                raise _too_long(name, limit)
            while part := opened.read(min(PART, limit + 1 - have)):
                parts.append(part)
                have += len(part)
                self.moved += len(part)
                if have > limit:
                    raise _too_long(name, limit)
                if told is not None:
                    told(len(part))
                if self.pace.clock() >= end:
                    raise Broken(self.source.label, f"takes more than {self.small_s:.0f} s")
        finally:
            opened.close()
        if opened.total is not None and have != opened.total:
            raise Broken(self.source.label, f"stopped in the middle of {name}")
        return b"".join(parts)

    def file(self, name: str, size: int, sha256: str, folder: Path) -> Path:
        """Bring a file of known size and hash into ``folder``; what is already there is not moved.

        A connection that is cut is tried again a few times, then it is left to the next run.
        """
        target = folder / name
        if matches(target, size, sha256):
            self.tell(name, size, size)
            return target
        part = folder / (name + UNFINISHED)
        for attempt in range(self.attempts):
            before = _size(part)
            try:
                self._attempt(name, size, sha256, part)
                break
            except Broken:
                # Another try is worth it only where the last one got on.
                if attempt + 1 == self.attempts or (attempt and _size(part) <= before):
                    raise
                self.sleep(PAUSE_S * 2**attempt)
        part.rename(target)
        sync_directory(folder)
        return target

    def _attempt(self, name: str, size: int, sha256: str, part: Path) -> None:
        resumed = self._pull(name, size, part)
        digest = digest_of(part)
        if digest != sha256 and resumed:
            # The bytes of an earlier run may be those of another source: once more, from zero.
            part.unlink()
            self._pull(name, size, part)
            digest = digest_of(part)
        if digest != sha256:
            part.unlink()
            raise UpdateError(
                Exit.DIFFERENT,
                f"{self.source.label} sends other content as {name} than was signed.",
                "Ask whoever serves these updates; nothing of it was used.",
            )

    def _pull(self, name: str, size: int, part: Path) -> bool:
        """Let ``part`` grow to its whole size; say whether a part was there before."""
        have = _size(part)
        if have > size:
            part.unlink()
            have = 0
        if have == size:
            return True
        opened = self.source.open(name, have)
        try:
            if opened.total is not None and opened.total != size:
                raise self._lie(name, f"{opened.total} bytes", size)
            with part.open("r+b" if part.exists() else "xb") as stream:
                stream.truncate(opened.start)
                stream.seek(opened.start)
                try:
                    self._stream(name, size, opened, stream.write)
                finally:
                    stream.flush()
                    os.fsync(stream.fileno())
        except OSError as error:
            raise disk_error(error, part.parent) from None
        finally:
            opened.close()
        if _size(part) > size:
            part.unlink()
            raise self._lie(name, "more bytes", size)
        return opened.start > 0

    def _stream(self, name: str, size: int, opened: Opened, write: Callable[[bytes], int]) -> None:
        have = opened.start
        self.pace.begin()
        # One byte more is asked for than there may be: a body without an end shows itself.
        while part := opened.read(min(PART, size + 1 - have)):
            have += len(part)
            self.moved += len(part)
            write(part)
            if have > size:
                return
            self.tell(name, have, size)
            self.pace.moved(len(part), self.source.label)
        if have < size:
            raise Broken(self.source.label, f"stopped in the middle of {name}")

    def _lie(self, name: str, what: str, size: int) -> UpdateError:
        return UpdateError(
            Exit.DIFFERENT,
            f"{self.source.label} offers {what} as {name}, and {size} were signed.",
            "Ask whoever serves these updates; nothing of it was used.",
        )


def _too_long(name: str, limit: int) -> UpdateError:
    hint = "This is no release of ours; check the address of the source."
    return UpdateError(Exit.MALFORMED, f"{name} is longer than {limit} bytes.", hint)


def disk_error(error: OSError, folder: Path) -> UpdateError:
    """Return the error of a disk that could not take what was fetched."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full(folder)
    why = (error.strerror or "unknown error").lower()
    return UpdateError(Exit.FAILED, f"{folder} cannot be written: {why}.", f"df {folder}")


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def matches(path: Path, size: int, sha256: str) -> bool:
    """Say whether a file is there whole."""
    return (
        path.is_file()
        and not path.is_symlink()
        and _size(path) == size
        and (digest_of(path) == sha256)
    )
