# SPDX-License-Identifier: Apache-2.0
"""Files that are not as they have to be are all named, in one question."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.unit.roles.apply import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = ROLES / "preflight/files/stale.py"


def stale(base: Path) -> list[str]:
    """Ask as a role does; the host has a folder with a file, which are right."""
    text = hashlib.sha256(b"text\n").hexdigest()
    wanted = {str(base / "folder"): ["0755", "folder"], str(base / "folder/file"): ["0644", text]}
    done = subprocess.run(
        [sys.executable, "-I", "-", json.dumps(wanted)],
        input=PROGRAM.read_text(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line.removeprefix(f"{base}/") for line in done.stdout.split()]


@pytest.fixture
def host(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(mode=0o755)
    (tmp_path / "folder/file").write_text("text\n")
    (tmp_path / "folder/file").chmod(0o644)
    return tmp_path


def test_nothing_is_stale(host: Path) -> None:
    assert stale(host) == []


def content(host: Path) -> None:
    (host / "folder/file").write_text("other\n")


def mode(host: Path) -> None:
    (host / "folder/file").chmod(0o600)


def gone(host: Path) -> None:
    (host / "folder/file").unlink()


def link(host: Path) -> None:
    (host / "folder/file").rename(host / "elsewhere")
    (host / "folder/file").symlink_to(host / "elsewhere")


def pipe(host: Path) -> None:
    gone(host)
    os.mkfifo(host / "folder/file", 0o644)


def folder(host: Path) -> None:
    gone(host)
    (host / "folder/file").mkdir(mode=0o644)


@pytest.mark.parametrize("change", [content, mode, gone, link, pipe, folder])
def test_a_file_is_stale(host: Path, change: Callable[[Path], None]) -> None:
    change(host)
    assert stale(host) == ["folder/file"]


def test_a_folder_is_stale_and_comes_before_its_file(host: Path) -> None:
    gone(host)
    (host / "folder").chmod(0o700)
    assert stale(host) == ["folder", "folder/file"]
    (host / "folder").rmdir()
    (host / "folder").write_text("no folder")
    assert stale(host) == ["folder", "folder/file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_account_is_stale(host: Path) -> None:
    os.chown(host / "folder/file", 65534, 0)
    assert stale(host) == ["folder/file"]
