# SPDX-License-Identifier: Apache-2.0
"""What the guard may see of a host: files below a root, and programs that it asks."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: A program that says nothing for so long will not answer any more.
TIMEOUT_S = 600
#: The longest text that is read; a grub.cfg has some ten kilobytes.
TEXT_LIMIT = 4 * 1024 * 1024


class UnreadableError(Exception):
    """Something could not be read; the text is a sentence. It never counts as good."""


@dataclass(frozen=True)
class Done:
    """How a program ended and what it said."""

    status: int
    output: str
    errors: str = ""


def execute(argv: Sequence[str]) -> Done:
    """Run a program without a shell; raise ``UnreadableError`` where it cannot be run at all."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            list(argv),
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"{argv[0]} gave no answer in {TIMEOUT_S} s") from None
    except OSError as error:
        raise UnreadableError(f"{argv[0]} cannot be run: {error.strerror}") from None
    return Done(
        done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )


@dataclass(frozen=True)
class Host:
    """Reads below ``base`` and runs programs by ``run``; tests replace both."""

    base: Path = Path("/")
    run: Callable[[Sequence[str]], Done] = field(default=execute)
    running: str = field(default_factory=lambda: os.uname().release)
    machine: str = field(default_factory=lambda: os.uname().machine)

    def at(self, path: str) -> Path:
        """Return where ``/path`` of the host is."""
        return self.base / path.lstrip("/")

    def text(self, path: str) -> str:
        """Return a file as text, or raise ``UnreadableError``."""
        try:
            with self.at(path).open("rb") as file:
                data = file.read(TEXT_LIMIT + 1)
        except OSError as error:
            raise UnreadableError(f"{path} cannot be read: {error.strerror}") from None
        if len(data) > TEXT_LIMIT:
            raise UnreadableError(f"{path} is longer than {TEXT_LIMIT} bytes")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise UnreadableError(f"{path} is not UTF-8 text") from None

    def put(self, path: str, data: Any) -> None:
        """Write JSON in one step: nobody meets half of it. Raises ``UnreadableError``."""
        target = self.at(path)
        new = target.with_name(f"{target.name}.new")
        try:
            new.unlink(missing_ok=True)
            handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.fchmod(handle, 0o644)
                json.dump(data, file, indent=1)
                file.write("\n")
                file.flush()
                os.fsync(handle)
            new.replace(target)
        except OSError as error:
            raise UnreadableError(f"{path} cannot be written: {error.strerror}") from None

    def names(self, path: str) -> list[str]:
        """Return the sorted names in a directory, or raise ``UnreadableError``."""
        try:
            return sorted(os.listdir(self.at(path)))  # noqa: PTH208 - names, as they are
        except OSError as error:
            raise UnreadableError(f"{path} cannot be read: {error.strerror}") from None

    def has(self, path: str) -> bool:
        """Say whether a path is there; raise ``UnreadableError`` where that cannot be known."""
        try:
            self.at(path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise UnreadableError(f"{path} cannot be looked at: {error.strerror}") from None
        return True

    def size(self, path: str) -> int | None:
        """Return the bytes of a regular file (links are followed), None where there is none."""
        try:
            place = self.at(path)
            return place.stat().st_size if place.is_file() else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableError(f"{path} cannot be looked at: {error.strerror}") from None

    def ask(self, *argv: str) -> str:
        """Return what a program prints; raise ``UnreadableError`` when it fails."""
        done = self.run(argv)
        if done.status != 0:
            said = (done.errors.strip() or done.output.strip()).splitlines()
            why = f": {said[-1][:200]}" if said else ""
            raise UnreadableError(f"{' '.join(argv)} ended with status {done.status}{why}")
        return done.output
