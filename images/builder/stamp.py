# SPDX-License-Identifier: Apache-2.0
"""Whether a step's inputs changed: a digest of contents and parameters, kept beside the result."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Folders of results and caches inside a source folder.
PASSED_OVER = {"__pycache__", "node_modules", "dist"}


def digest(*, files: Iterable[Path] = (), words: Iterable[str] = ()) -> str:
    """SHA-256 over words and over path, mode bit and content of files; folders with all they hold.

    Raises FileNotFoundError for a path that does not exist: a missing input is never an unchanged
    one.
    """
    total = hashlib.sha256()
    for word in words:
        total.update(f"word {len(word)} {word}\n".encode())
    for path in sorted(_expand(files)):
        total.update(f"file {path} {os.access(path, os.X_OK)} ".encode())
        if path.is_symlink():
            total.update(str(path.readlink()).encode())
        elif path.is_file():
            with path.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        elif path.is_dir():
            total.update(b"empty folder")
        else:
            raise FileNotFoundError(path)
    return total.hexdigest()


def _expand(paths: Iterable[Path]) -> Iterable[Path]:
    """Files, links, and folders that hold nothing: an image's tree has mount points."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            for folder, names, files in os.walk(path):
                if not names and not files:
                    yield Path(folder)
                names[:] = [name for name in names if name not in PASSED_OVER and name[0] != "."]
                yield from (Path(folder, name) for name in files if not name.endswith(".pyc"))
                yield from (link for name in names if (link := Path(folder, name)).is_symlink())
        elif path.is_symlink() or path.exists():
            yield path
        else:
            raise FileNotFoundError(path)


class Stamp:
    """A named digest on disk; written only after the step succeeded."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name

    def fresh(self, value: str) -> bool:
        """Whether the last successful run of the step had the same inputs."""
        return self.path.exists() and self.path.read_text(errors="replace").strip() == value

    @contextmanager
    def renewed(self, value: str) -> Iterator[None]:
        """Forget the last success while the step works, and record the new one when it is done.

        A step that is interrupted half-way must not look fresh when its inputs are set back.
        """
        self.clear()
        yield
        self.write(value)

    def write(self, value: str) -> None:
        """Record success, in one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(value + "\n")
        temporary.replace(self.path)

    def clear(self) -> None:
        """Forget the last success."""
        self.path.unlink(missing_ok=True)
