# SPDX-License-Identifier: Apache-2.0
"""Whether a step's inputs changed: a digest of contents and parameters, kept beside the result."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def digest(*, files: Iterable[Path] = (), words: Iterable[str] = ()) -> str:
    """SHA-256 over words and over path, mode bit and content of files; folders count with all they hold.

    Raises FileNotFoundError for a path that does not exist: an input that is missing is never an unchanged one.
    """
    total = hashlib.sha256()
    for word in words:
        total.update(f"word {len(word)} {word}\n".encode())
    for path in sorted(_expand(files)):
        total.update(f"file {path} {os.access(path, os.X_OK)} ".encode())
        if path.is_symlink():
            total.update(os.readlink(path).encode())
        else:
            with path.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def _expand(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            for folder, names, files in os.walk(path):
                names[:] = [n for n in names if n not in {"__pycache__", "node_modules", "dist"} and n[0] != "."]
                yield from (Path(folder, name) for name in files if not name.endswith(".pyc"))
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
        return self.path.exists() and self.path.read_text().strip() == value

    def write(self, value: str) -> None:
        """Records success; replaces atomically."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(value + "\n")
        temporary.replace(self.path)

    def clear(self) -> None:
        """Forgets the last success."""
        self.path.unlink(missing_ok=True)
