# SPDX-License-Identifier: Apache-2.0
"""Folders of releases that are not what they should be.

A copy shares its files with the folder that it was made of: what is damaged is written anew, never
in place. Where an attack is one that only the holder of a key could make, it is signed again.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder import update_key
from builder.paths import Paths
from builder.tree import Tree

from tests.support import disk

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.gpg"
#: Signs the checksums of a folder: leaves the signature beside them.
Sign = Callable[[Path], None]
ARCHITECTURE = "x86-64"


@dataclass(frozen=True)
class OtherKeys(Paths):
    """A repository with keys of somebody else."""

    elsewhere: Path

    @property
    def keys(self) -> Path:
        """Where these keys lie."""
        return self.elsewhere


def signed_by(paths: Paths, tree: Tree) -> Sign:
    """Return what signs with the key of updates in ``paths.keys``."""

    def sign(sums: Path) -> None:
        update_key.sign(paths, tree, sums)

    return sign


def stranger(paths: Paths, tree: Tree, folder: Path) -> Sign:
    """Return what signs with a key of updates that no host of ours knows, made once in a folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    others = OtherKeys(paths.root, folder)
    update_key.ensure(others)
    return signed_by(others, tree)


@dataclass(frozen=True)
class Copy:
    """A copy of a folder of releases, to be damaged; ``version`` is the one that is offered."""

    folder: Path
    version: str

    @classmethod
    def of(cls, released: Path, target: Path, version: str) -> "Copy":
        """Copy a folder in no time: files are shared until one of them is damaged."""
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(released, target, copy_function=os.link)
        return cls(target, version)

    def name(self, ending: str) -> str:
        """Return the name of a file of the version, such as ``efi`` or ``root.caibx``."""
        return f"codex-os_{self.version}_{ARCHITECTURE}.{ending}"

    def put(self, name: str, content: bytes) -> None:
        """Replace a file, or add one."""
        new = self.folder / f".{Path(name).name}.new"
        new.write_bytes(content)
        new.replace(self.folder / name)

    def _own(self, name: str) -> Path:
        """Return a file that is no longer shared."""
        path = self.folder / name
        shutil.copy2(path, new := path.with_name(f".{path.name}.new"))
        return new.replace(path)

    def flip(self, name: str, offset: int | None = None) -> None:
        """Invert a bit of a file, in its middle unless said otherwise; -1 is the last byte."""
        path = self._own(name)
        size = path.stat().st_size
        disk.flip_bit(path, size // 2 if offset is None else offset % size)

    def truncate(self, name: str, size: int | None = None) -> None:
        """Cut a file, to its half unless said otherwise."""
        path = self._own(name)
        os.truncate(path, path.stat().st_size // 2 if size is None else size)

    def extend(self, name: str, more: int) -> None:
        """Let a file go on with zeros."""
        path = self._own(name)
        os.truncate(path, path.stat().st_size + more)

    def remove(self, name: str) -> None:
        """Remove a file."""
        (self.folder / name).unlink()

    def chunks(self) -> list[str]:
        """Return the names of all chunks in the store."""
        found = (self.folder / "store").glob("*/*.cacnk")
        return sorted(str(path.relative_to(self.folder)) for path in found)

    def index(self) -> dict[str, bytes]:
        """Return checksums and signature as they are, to be replayed later."""
        return {name: (self.folder / name).read_bytes() for name in (SUMS, SIGNATURE)}

    def replay(self, index: dict[str, bytes]) -> None:
        """Offer an index of before; it was signed, once."""
        for name, content in index.items():
            self.put(name, content)

    def sign(self, sign: Sign, sums: bytes | None = None) -> None:
        """Sign the checksums, or other ones in their place."""
        self.put(SUMS, (self.folder / SUMS).read_bytes() if sums is None else sums)
        sign(self.folder / SUMS)

    def listed(self) -> dict[str, str]:
        """Return the checksums by name."""
        lines = (self.folder / SUMS).read_text(encoding="ascii").splitlines()
        return {line[66:]: line[:64] for line in lines}

    def list_anew(self, sign: Sign, change: dict[str, str | None] | None = None) -> None:
        """Write the checksums of what lies there now, and sign them.

        ``change`` gives names other hashes, or takes them out. What the list names and the folder
        does not have (the unpacked root) is kept.
        """
        listed = self.listed()
        for name in listed:
            if (path := self.folder / name).is_file():
                with path.open("rb") as stream:
                    listed[name] = hashlib.file_digest(stream, "sha256").hexdigest()
        wanted = {**listed, **(change or {})}
        lines = sorted((n, h) for n, h in wanted.items() if h is not None)
        self.sign(sign, "".join(f"{digest}  {name}\n" for name, digest in lines).encode())

    def describe(self, sign: Sign, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the description of the version, and sign what then is there."""
        name = self.name("release.json")
        content: dict[str, Any] = json.loads((self.folder / name).read_bytes())
        change(content)
        self.put(name, (json.dumps(content, indent=1) + "\n").encode())
        self.list_anew(sign)

    def describe_file(self, sign: Sign, role: str, **change: object) -> None:
        """Change what the description says of the file of a role."""

        def lie(content: dict[str, Any]) -> None:
            found = [entry for entry in content["files"] if entry["role"] == role]
            if len(found) != 1:
                raise AssertionError(f"the description has {len(found)} files of the role {role}")
            found[0].update(change)

        self.describe(sign, lie)
