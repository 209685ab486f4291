# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a repository, and histories that are closed when a test ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from codex_agent.repos.history import History
from tests.unit.agent.repos.made import Repo, branched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Opener(Protocol):
    def __call__(self, path: Path, *, name: str = "state", update: bool = True) -> History: ...


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return branched(tmp_path / "root" / "repo")


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opener]:
    found: list[History] = []

    def opening_(path: Path, *, name: str = "state", update: bool = True) -> History:
        history = History(path, [tmp_path / "root"], tmp_path / name)
        found.append(history)
        if update:
            history.update()
        return history

    yield opening_
    for history in found:
        history.close()
