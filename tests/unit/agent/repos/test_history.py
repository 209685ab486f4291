# SPDX-License-Identifier: Apache-2.0
"""Histories of every kind are what git says of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.repos.errors import GoneError, UnsupportedError
from codex_agent.repos.git import Git
from tests.unit.agent.repos import truth
from tests.unit.agent.repos.made import Repo, branched, snapshot

if TYPE_CHECKING:
    from tests.unit.agent.repos.conftest import Opener

OWN = Path(__file__).resolve().parents[4]


def test_all_of_it_is_what_git_says(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    history.read_files()
    history.read_lines()
    assert truth.commits_of_ours(history) == truth.commits_of_git(repo)
    assert truth.names_of_ours(history) == truth.names_of_git(repo)
    expected = truth.lines_of_git(repo)
    assert truth.lines_of_ours(history) == expected
    renamed = [row for rows in expected.values() for row in rows if row[3]]
    assert renamed == [("0", "0", "src/other.py", "src/main.py")]
    assert any(row[0] == "-" for rows in expected.values() for row in rows)


def test_this_project_is_what_git_says(tmp_path: Path) -> None:
    from codex_agent.repos.history import History

    if not (OWN / ".git").exists():
        pytest.skip("the sources have no history here")
    own = Repo.__new__(Repo)
    own.path, own.clock = OWN, 0
    common = Path(own.git("rev-parse", "--path-format=absolute", "--git-common-dir"))
    history = History(OWN, [OWN, common], tmp_path / "state")
    history.update()
    history.read_lines()
    ours, git = truth.commits_of_ours(history), truth.commits_of_git(own)
    both = ours.keys() & git.keys()  # another worktree may commit meanwhile
    assert len(both) > 300 or (common / "shallow").exists()
    assert {oid: ours[oid] for oid in both} == {oid: git[oid] for oid in both}
    lines, lines_git = truth.lines_of_ours(history), truth.lines_of_git(own)
    assert {oid: lines[oid] for oid in both} == {oid: lines_git[oid] for oid in both}
    history.close()


def test_the_repository_is_left_as_it_was(repo: Repo, opening: Opener) -> None:
    before = snapshot(repo.path)
    history = opening(repo.path)
    history.read_files()
    history.read_lines()
    history.write_commit_graph()
    assert history.cache.has_commit_graph()
    assert snapshot(repo.path) == before


def test_parents_have_smaller_numbers_and_depths(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    for block in history.store.each("commits"):
        for at in range(len(block)):
            parents = block.parents_of(block.first + at)
            assert all(parent < block.first + at for parent in parents)
            deepest = max((block.depth[p - block.first] for p in parents), default=-1)
            assert block.depth[at] == deepest + 1


@pytest.mark.parametrize("kind", ["bare", "linked", "sha256", "shallow", "packed"])
def test_every_kind_of_repository(kind: str, repo: Repo, opening: Opener, tmp_path: Path) -> None:
    root = tmp_path / "root"
    other = Repo.__new__(Repo)
    other.clock = repo.clock
    if kind == "bare":
        other.path = root / "bare.git"
        repo.git("clone", "-q", "--bare", "--no-local", str(repo.path), str(other.path))
    elif kind == "linked":
        other.path = root / "linked"
        repo.git("worktree", "add", "-q", str(other.path), "side")
    elif kind == "sha256":
        other = Repo(root / "sha256", "--object-format=sha256")
        other.commit("one", {"a": "1\n"})
        other.commit("two", {"a": "2\n3\n"})
    elif kind == "shallow":
        other.path = root / "shallow"
        url = f"file://{repo.path}"
        repo.git("clone", "-q", "--depth=3", url, str(other.path), GIT_ALLOW_PROTOCOL="file")
    else:
        other = repo
        repo.git("gc", "-q")
        repo.git("pack-refs", "--all")
    before = snapshot(other.path)
    history = opening(other.path)
    history.read_files()
    history.read_lines()
    assert snapshot(other.path) == before
    assert truth.commits_of_ours(history) == truth.commits_of_git(other)
    assert truth.names_of_ours(history) == truth.names_of_git(other)
    assert truth.lines_of_ours(history) == truth.lines_of_git(other)
    assert history.write_commit_graph() is (kind != "shallow")


def test_a_reftable_is_read_or_refused_clearly(tmp_path: Path, opening: Opener) -> None:
    path = tmp_path / "root" / "reftable"
    if Git(tmp_path).version() >= (2, 45):
        oid = Repo(path, "--ref-format=reftable").commit("one", {"a": "1\n"})
        assert opening(path).refs().table["refs/heads/main"].commit == oid
        return
    repo = Repo(path)
    repo.commit("one", {"a": "1\n"})
    repo.git("config", "core.repositoryformatversion", "1")
    config = path / ".git/config"
    config.write_text(config.read_text() + "[extensions]\n\trefStorage = reftable\n")
    with pytest.raises(UnsupportedError, match=r"reftable, which git .* cannot read"):
        opening(path)


def test_an_unknown_extension_is_refused(tmp_path: Path, opening: Opener) -> None:
    path = tmp_path / "root" / "later"
    Repo(path)
    config = path / ".git/config"
    text = config.read_text().replace("= 0", "= 1")
    config.write_text(text + "[extensions]\n\tnewthing = 1\n")
    with pytest.raises(UnsupportedError, match="newthing"):
        opening(path)


def test_an_empty_repository_and_an_unborn_head(tmp_path: Path, opening: Opener) -> None:
    repo = Repo(tmp_path / "root" / "empty")
    history = opening(repo.path)
    assert history.store.count == 0
    assert history.refs().unborn
    assert history.read_files().total == 0
    assert history.read_lines().total == 0
    repo.commit("one", {"a": "1\n"})
    assert history.update().count == 1
    repo.git("checkout", "-q", "--orphan", "new")
    history.update()
    assert history.refs().unborn
    assert history.refs().head == "refs/heads/new"
    assert history.store.count == 1


def test_a_detached_head_is_a_tip(repo: Repo, opening: Opener) -> None:
    repo.git("checkout", "-q", "--detach")
    oid = repo.commit("on no branch", {"d": "d\n"})
    history = opening(repo.path)
    assert history.refs().head is None
    assert history.refs().table["HEAD"].commit == oid
    assert oid in truth.commits_of_ours(history)


def test_no_repository_is_said_so(tmp_path: Path, opening: Opener) -> None:
    (tmp_path / "root/empty").mkdir(parents=True)
    with pytest.raises(UnsupportedError, match="not a Git repository"):
        opening(tmp_path / "root/empty")
    with pytest.raises(GoneError, match="no directory"):
        opening(tmp_path / "root/none")


def test_a_repository_that_is_deleted_keeps_what_was_read(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    count = history.store.count
    shutil.rmtree(repo.path)
    with pytest.raises(GoneError):
        history.update()
    assert history.store.count == count


def test_a_repository_that_is_replaced_is_read_anew(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    shutil.rmtree(repo.path)
    other = Repo(repo.path)
    oid = other.commit("another", {"z": "z\n"})
    history.update()
    assert truth.commits_of_ours(history).keys() == {oid}


def test_submodules_and_modes(tmp_path: Path, opening: Opener) -> None:
    repo = Repo(tmp_path / "root" / "super")
    first = repo.commit("one", {"run.sh": "#!/bin/sh\n"})
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{first},lib")
    repo.git("commit", "-q", "-m", "module")
    repo.git("update-index", "--chmod=+x", "run.sh")
    repo.git("commit", "-q", "-m", "mode")
    history = opening(repo.path)
    history.read_lines()
    assert truth.lines_of_ours(history) == truth.lines_of_git(repo)
    block = next(history.store.each("lines"))
    assert block.kind.tolist() == [0, 3, 1]


def test_a_partial_clone_says_what_is_missing(tmp_path: Path, opening: Opener) -> None:
    repo = Repo(tmp_path / "root" / "whole")
    for number in range(20):
        repo.commit(f"c{number}", {"a": f"{number}\n"})
    repo.git("config", "uploadpack.allowFilter", "true")
    path = tmp_path / "root" / "partial"
    done = subprocess.run(
        ["git", "clone", "-q", "--bare", "--filter=blob:none", f"file://{repo.path}", str(path)],
        check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    before = snapshot(path)
    history = opening(path)
    assert history.place.partial
    assert history.read_files().done == 20
    found = history.read_lines()
    assert (found.done, found.total) == (0, 20)
    assert found.reason is not None
    assert "partial clone" in found.reason
    assert snapshot(path) == before
    assert truth.names_of_ours(history) == truth.names_of_git(repo)


def test_borrowed_objects_are_read_inside_of_the_roots(repo: Repo, opening: Opener) -> None:
    path = repo.path.parent / "borrower"
    repo.git("clone", "-q", "--shared", str(repo.path), str(path))
    history = opening(path)
    assert history.store.count == len(truth.commits_of_git(repo))


def test_branches_by_first_parents(tmp_path: Path, opening: Opener) -> None:
    repo = branched(tmp_path / "root/repo")
    side = repo.git("rev-parse", "side")
    repo.git("branch", "-D", "side")
    history = opening(repo.path)
    marks = history.marks()
    assert marks is not None
    number = history.store.numbers([bytes.fromhex(side)])[bytes.fromhex(side)]
    # Its branch is gone: what it was merged into has it.
    assert marks.names[marks.branch[number]] == "refs/heads/main"
