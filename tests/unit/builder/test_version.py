# SPDX-License-Identifier: Apache-2.0
"""The version, in small repositories of git."""

import os
import subprocess
from pathlib import Path

import pytest
from builder import version
from builder.errors import BuildError
from builder.paths import Paths

from codex_agent.update import versions
from tests.unit.builder.conftest import Programs


def _git(folder: Path, *words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "x", f"GIT_{role}_EMAIL": "x@localhost"}
        environment[f"GIT_{role}_DATE"] = "2026-11-22T09:00:00Z"
    words = ("-c", "init.defaultBranch=main", "-C", str(folder), *words)
    return subprocess.check_output(["git", *words], env=environment, text=True).strip()


@pytest.fixture
def repository(paths: Paths) -> Paths:
    """Two commits, no tag, and results that git ignores."""
    (paths.root / ".gitignore").write_text("/build/\n")
    (paths.root / "images/x").write_text("1")
    _git(paths.root, "init", "-q")
    for message in ("one", "two"):
        _git(paths.root, "add", "-A")
        _git(paths.root, "commit", "-q", "--allow-empty", "-m", message)
    return paths


def test_number_of_commits_without_any_tag(repository: Paths) -> None:
    found = version.of(repository)
    assert found.number == "0.1.2"
    assert found.commit == _git(repository.root, "rev-parse", "HEAD")
    assert found.epoch == 1795338000


def test_changed_file_is_dirty(repository: Paths) -> None:
    (repository.root / "pyproject.toml").write_text('version = "2.5.0"\n')
    assert version.of(repository).number == "2.5.2.dirty"


def test_staged_file_is_dirty(repository: Paths) -> None:
    (repository.root / "images/x").write_text("2")
    _git(repository.root, "add", "-A")
    assert version.of(repository).number == "0.1.2.dirty"


@pytest.mark.parametrize(
    ("name", "dirty"),
    [("images/new", True), ("roles/x/tasks/main.yml", True), ("build/x", False), ("notes", False)],
)
def test_new_file_is_dirty_where_the_build_reads(repository: Paths, name: str, dirty: bool) -> None:
    (repository.root / name).parent.mkdir(parents=True, exist_ok=True)
    (repository.root / name).write_text("")
    assert version.of(repository).number.endswith(".dirty") == dirty


def test_shallow_clone(repository: Paths, tmp_path: Path) -> None:
    _git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository.root}", "shallow")
    with pytest.raises(BuildError, match="shallow clone") as error:
        version.of(Paths(tmp_path / "shallow"))
    assert "git fetch --unshallow" in error.value.hint


def test_no_checkout(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(paths.root.parent))
    with pytest.raises(BuildError, match="git cannot read this repository") as error:
        version.of(paths)
    assert "not a git repository" in error.value.hint


def test_no_commit(paths: Paths) -> None:
    _git(paths.root, "init", "-q")
    with pytest.raises(BuildError, match="git cannot read this repository"):
        version.of(paths)


def test_no_git(repository: Paths, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs.folder))
    with pytest.raises(BuildError, match="git cannot read this repository") as error:
        version.of(repository)
    assert "The program git is not there." in error.value.hint


def test_project_without_a_version(repository: Paths) -> None:
    (repository.root / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(BuildError, match="has no version"):
        version.of(repository)


def test_order_is_that_of_a_host() -> None:
    numbers = [
        "0.1.9", "0.1.10", "0.1.010", "0.1.10.dirty", "0.1.10.1", "0.2", "1.0",
        "1.0~rc1", "1.0~rc2", "1.0^1", "1.0-1", "1.0a", "1.0ab", "1.0B", "1a", "1", "1.", "1~",
        "1-~", "10", "2", "0.1.9~dirty",
    ]  # fmt: skip
    for one in numbers:
        assert versions.valid(one)
        assert version.VALID.fullmatch(one)
        for other in numbers:
            left, right = version.order(one), version.order(other)
            assert (left > right) - (left < right) == versions.compare(one, other), (one, other)
