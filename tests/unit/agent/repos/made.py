# SPDX-License-Identifier: Apache-2.0
"""Repositories of every kind with known contents, and what git itself says of them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Carl",
    "GIT_COMMITTER_EMAIL": "carl@example.org",
}
START = 1_700_000_000


class Repo:
    """A repository whose every commit is a minute after the one before."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self.clock = START
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "--initial-branch=main", *options)

    def git(self, *args: str, given: bytes | None = None, **env: str) -> str:
        """Run git as its user would and return what it says."""
        stamp = f"{self.clock} +0100"
        variables = {**ENVIRONMENT, "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp, **env}
        done = subprocess.run(
            ["git", *args], cwd=self.path, env=variables, input=given, capture_output=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"git {args}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def put(self, name: str | bytes, content: str | bytes) -> None:
        """Write a file of the work tree."""
        path = Path(os.fsdecode(os.fsencode(self.path) + b"/" + os.fsencode(name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(
        self,
        message: str = "change",
        /,
        files: Mapping[str, str] | None = None,
        *,
        author: tuple[str, str] = ("Ada", "ada@example.org"),
    ) -> str:
        """Commit all that differs, and return the id."""
        for name, content in (files or {}).items():
            self.put(name, content)
        self.clock += 60
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message,
                 GIT_AUTHOR_NAME=author[0], GIT_AUTHOR_EMAIL=author[1])  # fmt: skip
        return self.git("rev-parse", "HEAD")

    def merge(self, *names: str, message: str = "merge") -> str:
        """Merge branches into the one that is checked out."""
        self.clock += 60
        self.git("merge", "-q", "--no-ff", "-m", message, *names)
        return self.git("rev-parse", "HEAD")


def branched(path: Path) -> Repo:
    """A history with a merge, a rename, a deletion, a binary file, a link and a tag."""
    repo = Repo(path)
    repo.commit("first", {"a.txt": "one\ntwo\nthree\n", "src/main.py": "print(1)\n" * 20})
    repo.commit("second", {"a.txt": "one\n2\nthree\nfour\n"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("on the side", {"side.txt": "side\n"}, author=("Bob", "b@x"))
    repo.git("checkout", "-q", "main")
    repo.commit("meanwhile", {"b.txt": "b\n"})
    repo.merge("side")
    repo.git("mv", "src/main.py", "src/other.py")
    repo.commit("renamed")
    repo.put("picture.bin", bytes(range(256)) * 8)
    (repo.path / "link").symlink_to("a.txt")
    repo.commit("binary and a link")
    repo.git("tag", "-a", "-m", "one", "v1")
    repo.git("rm", "-q", "b.txt")
    repo.commit("gone")
    return repo


def snapshot(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Every file of a folder with its mode, time, inode and bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (status.st_mode, status.st_mtime_ns, status.st_ino, content)
    return found
