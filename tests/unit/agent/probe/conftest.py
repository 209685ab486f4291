# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of probes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.agent import trees
from tests.unit.agent.probe.cards import Host
from tests.unit.agent.trees import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty folder that stands for the root of a host."""
    base = tmp_path / "host"
    base.mkdir()
    return Tree(base)


@pytest.fixture
def image(tree: Tree) -> Tree:
    return trees.image_secure_boot(tree)


@pytest.fixture
def host(image: Tree, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(image, monkeypatch)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may look into, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="codex-probe-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def no_file_is_left_open() -> Iterator[None]:
    before = set(Path("/proc/self/fd").iterdir())
    yield
    # One is that of the look itself.
    assert len(set(Path("/proc/self/fd").iterdir()) - before) <= 1
