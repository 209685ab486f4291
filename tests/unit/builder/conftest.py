# SPDX-License-Identifier: Apache-2.0
"""A repository in a temporary folder, programs that only look like the real ones, and no chroot."""

import hashlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from builder import update_key
from builder.paths import Paths
from builder.tree import Tree

REPOSITORY = Path(__file__).resolve().parents[3]


class HostTree(Tree):
    """Runs the commands of the tools tree on the machine itself, with the PATH of the test."""

    def command(self, argv: Sequence[str | Path]) -> list[str]:
        return [str(word) for word in argv]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, **(extra or {})}


@pytest.fixture(autouse=True, scope="session")
def interrupts_arrive() -> None:
    """Undo what a shell does to background jobs: their children would ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Programs:
    """Shell scripts that stand in for programs; each call of one is written down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file = folder.parent / "calls"
        folder.mkdir()

    def add(self, name: str, body: str = "exit 0") -> None:
        path = self.folder / name
        path.write_text(
            f'#!/bin/sh\necho "{name} $*" >>"{self.calls_file}"\n{body}\n', encoding="utf-8"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def calls(self, name: str = "") -> list[str]:
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        return [line for line in lines if line.startswith(name)]

    def forget(self) -> None:
        self.calls_file.unlink(missing_ok=True)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Repository with the folders that every part of the builder expects."""
    root = tmp_path / "repository"
    for name in ("images/lock", "images/flavours/general", "tests/unit", "tests/host", "build"):
        (root / name).mkdir(parents=True)
    (root / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')
    return Paths(root)


@pytest.fixture
def tree(paths: Paths) -> HostTree:
    (paths.stamps).mkdir()
    (paths.stamps / "tools").write_text("tools\n")
    return HostTree(paths)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    found = Programs(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{found.folder}:{os.environ['PATH']}")
    return found


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature here is a hash with a word before it: GnuPG's own is in test_update_key.py."""

    def over(content: Path) -> str:
        return f"ours {hashlib.sha256(content.read_bytes()).hexdigest()}"

    def sign(_paths: Paths, _tree: Tree, content: Path) -> Path:
        signature = content.with_name(f"{content.name}.gpg")
        signature.write_text(over(content))
        return signature

    def verified(_paths: Paths, _tree: Tree, content: Path, signature: Path) -> bool:
        there = content.is_file() and signature.is_file()
        return there and signature.read_text() == over(content)

    monkeypatch.setattr(update_key, "sign", sign)
    monkeypatch.setattr(update_key, "verified", verified)


@pytest.fixture
def same_signals() -> Iterator[None]:
    """Put back the handlers that the program's entry point sets."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def in_child(tmp_path: Path) -> "InChild":
    return InChild(tmp_path)


class InChild:
    """Runs Python in a process of its own, so that it can be killed."""

    def __init__(self, folder: Path) -> None:
        self.script = folder / "child.py"

    def __call__(self, code: str, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.argv(code, *words), env=self.environment(), capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip

    def argv(self, code: str, *words: str | Path) -> list[str]:
        self.script.write_text(code, encoding="utf-8")
        return [sys.executable, str(self.script), *map(str, words)]

    @staticmethod
    def environment() -> dict[str, str]:
        inherited = os.environ.get("PYTHONPATH", "")
        return {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'images'}:{REPOSITORY}:{inherited}"}
