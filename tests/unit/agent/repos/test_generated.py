# SPDX-License-Identifier: Apache-2.0
"""A generated history has the answers that its generator gives, by git and by ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.repos.blocks import MERGE
from tests.bench.history.generate import History as Generator
from tests.bench.history.generate import make
from tests.bench.history.stages import STAGES, git, ours
from tests.unit.agent.repos import truth
from tests.unit.agent.repos.made import Repo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.agent.repos.conftest import Opener


@pytest.mark.parametrize(("commits", "seed"), [(1, 1), (600, 1), (600, 7)])
def test_known_answers(commits: int, seed: int, tmp_path: Path, opening: Opener) -> None:
    path = tmp_path / "root" / "made.git"
    path.parent.mkdir()
    answers = make(path, commits, seed)
    assert answers.commits == commits
    history = opening(path)
    history.read_files()
    history.read_lines(workers=2)
    repo = Repo.__new__(Repo)
    repo.path, repo.clock = path, 0
    assert history.store.count == commits
    lines = list(history.store.each("lines"))
    assert sum(block.state.tolist().count(MERGE) for block in lines) == answers.merges
    assert sum(len(block.path) for block in lines) == answers.changes
    assert len(history.store.authors()) == answers.authors
    assert truth.commits_of_ours(history) == truth.commits_of_git(repo)
    assert truth.names_of_ours(history) == truth.names_of_git(repo)
    assert truth.lines_of_ours(history) == truth.lines_of_git(repo)


def test_the_same_seed_makes_the_same_history() -> None:
    once, again, other = (b"".join(Generator(200, seed).stream()) for seed in (3, 3, 4))
    assert once == again
    assert once != other


def test_every_stage_is_measured(tmp_path: Path) -> None:
    make(tmp_path / "made.git", 30)
    found = ours(tmp_path / "made.git", tmp_path / "state", list(STAGES))
    floor = git(tmp_path / "made.git", list(STAGES))
    assert found["commits"] == 30
    for name in ("first_screen", "graph", "files", "lines"):
        assert found[f"{name}_cpu_s"] > 0
        assert floor[f"{name}_cpu_s"] >= 0
