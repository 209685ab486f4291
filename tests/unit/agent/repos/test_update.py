# SPDX-License-Identifier: Apache-2.0
"""A history is brought up to date at the cost of what is new, whatever was done to the refs."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_agent.repos import passes
from codex_agent.repos.blocks import NONE
from codex_agent.repos.commits import pages
from codex_agent.repos.errors import QuestionError
from codex_agent.repos.history import History
from codex_agent.repos.marks import attribute
from codex_agent.repos.store import NAME, Store
from tests.unit.agent.repos import truth

if TYPE_CHECKING:
    from tests.unit.agent.repos.conftest import Opener
    from tests.unit.agent.repos.made import Repo


def same(history: History, repo: Repo) -> None:
    """Compare with git, and with the attribution of branches that is made at once."""
    assert truth.commits_of_ours(history) == truth.commits_of_git(repo)
    marks = history.marks()
    assert marks is not None
    anew = attribute(history.graph(), marks.names, marks.tips)
    assert anew.branch == marks.branch


def test_new_commits_are_added(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    had = history.store.count
    repo.commit("more", {"m": "1\n"})
    repo.commit("and more", {"m": "2\n"})
    found = history.update()
    assert (found.first, found.count) == (had, 2)
    assert {change.name for change in found.changes} == {"HEAD", "refs/heads/main"}
    same(history, repo)
    assert history.update().count == 0
    assert len(history.store.spans("commits")) == 1  # neighbours are joined


def test_a_forced_push_hides_what_no_ref_reaches(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    repo.git("reset", "-q", "--hard", "HEAD~2")
    repo.commit("instead", {"i": "1\n"})
    repo.git("tag", "-d", "v1")
    history.update()
    same(history, repo)
    marks = history.marks()
    assert marks is not None
    assert marks.branch.count(NONE) == 2
    # And back again: nothing has to be read.
    repo.git("reset", "-q", "--hard", "HEAD@{2}")
    assert history.update().count == 0
    same(history, repo)


def test_old_commits_may_be_gone(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    history.write_commit_graph()
    repo.git("tag", "-d", "v1")
    repo.git("reset", "-q", "--hard", "HEAD~2")
    repo.git("reflog", "expire", "--expire=all", "--all")
    repo.git("gc", "-q", "--prune=now")
    repo.commit("after", {"a": "after\n"})
    history.update()
    same(history, repo)


def test_branches_come_and_go(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    repo.git("checkout", "-q", "-b", "feature", "HEAD~1")
    repo.commit("feature", {"f": "1\n"})
    history.update()
    same(history, repo)
    repo.git("checkout", "-q", "main")
    repo.merge("feature")
    history.update()
    same(history, repo)
    repo.git("branch", "-q", "-D", "feature")
    found = history.update()
    assert [c.kind for c in found.changes if c.name == "refs/heads/feature"] == ["deleted"]
    same(history, repo)
    repo.git("branch", "-m", "main", "trunk")
    history.update()
    same(history, repo)


def test_a_shallow_clone_that_is_deepened_is_read_anew(
    repo: Repo, opening: Opener, tmp_path: Path
) -> None:
    from tests.unit.agent.repos.made import Repo as Plain

    other = Plain.__new__(Plain)
    other.path, other.clock = tmp_path / "root/shallow", 0
    repo.git("clone", "-q", "--depth=2", f"file://{repo.path}", str(other.path))
    history = opening(other.path)
    same(history, other)
    other.git("fetch", "-q", "--unshallow", "--update-head-ok", "origin", "main:main")
    found = history.update()
    assert found.renewed is not None
    same(history, other)
    assert history.store.count > 4


def test_passes_go_on_where_they_were(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    first = history.read_lines()
    assert first.done == first.total
    repo.commit("more", {"m": "1\n"})
    history.update()
    assert passes.missing(history.store, "lines") == [(first.total, 1)]
    history.read_files()
    history.read_lines()
    assert truth.lines_of_ours(history) == truth.lines_of_git(repo)
    assert truth.names_of_ours(history) == truth.names_of_git(repo)


def test_small_blocks_are_as_good(
    repo: Repo, opening: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("graph", "store"):
        monkeypatch.setattr(f"codex_agent.repos.{module}.SIZE", 3)
    history = opening(repo.path)
    assert len(history.store.spans("commits")) > 2
    history.read_files()
    history.read_lines(workers=3)
    repo.commit("more", {"m": "1\n"})
    history.update()
    history.read_lines()
    same(history, repo)
    assert truth.lines_of_ours(history) == truth.lines_of_git(repo)


def _read(root: str, path: str, folder: str) -> None:
    history = History(Path(path), [Path(root)], Path(folder))
    history.update()
    history.read_files()
    history.read_lines()
    history.close()


def test_processes_side_by_side_do_the_work_once(
    repo: Repo, tmp_path: Path, opening: Opener
) -> None:
    context = multiprocessing.get_context("spawn")
    args = (str(tmp_path / "root"), str(repo.path), str(tmp_path / "state"))
    running = [context.Process(target=_read, args=args) for _ in range(3)]
    for process in running:
        process.start()
    for process in running:
        process.join(120)
    assert [process.exitcode for process in running] == [0, 0, 0]
    history = opening(repo.path, update=False)
    same(history, repo)
    assert truth.lines_of_ours(history) == truth.lines_of_git(repo)
    assert history.store.generation == 1


@pytest.mark.parametrize("damage", ["garbage", "truncated", "block", "schema", "marks", "empty"])
def test_a_damaged_store_is_made_anew_and_said(
    damage: str, repo: Repo, opening: Opener, tmp_path: Path
) -> None:
    history = opening(repo.path)
    history.close()
    path = tmp_path / "state" / NAME
    content = path.read_bytes()
    if damage == "garbage":
        path.write_bytes(b"garbage" * 1000)
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        db = sqlite3.connect(path)
        if damage == "schema":
            db.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
        else:
            table, column = ("commits", "data") if damage == "block" else ("marks", "branch")
            db.execute(f"UPDATE {table} SET {column} = zeroblob(length({column}))")
        db.commit()
        db.close()
    repo.commit("more", {"m": "1\n"})
    again = opening(repo.path)
    same(again, repo)
    assert (again.store.renewed is None) is (damage == "empty")


def test_a_kill_at_any_moment_leaves_a_store_that_holds(
    repo: Repo, opening: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = opening(repo.path)
    repo.commit("more", {"m": "1\n"})

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "tell", cut)
        with pytest.raises(KeyboardInterrupt):
            history.update()
    assert history.store.generation == 1
    assert history.update().count == 1
    same(history, repo)


def test_changes_are_numbered_and_resumed(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    start = history.since(0)
    assert start[0][1]["type"] == "reloaded"
    last = start[-1][0]
    assert history.since(last) == []
    oid = repo.commit("more", {"m": "1\n"})
    history.update()
    news = history.since(last)
    assert [number for number, _ in news] == list(range(last + 1, last + 1 + len(news)))
    assert news[0][1]["type"] == "new_commit"
    number = history.store.numbers([bytes.fromhex(oid)])[bytes.fromhex(oid)]
    assert news[0][1]["number"] == number
    assert {"type": "ref_moved", "name": "refs/heads/main"}.items() <= news[2][1].items()
    with pytest.raises(QuestionError):
        history.since(10**9)
    with pytest.raises(QuestionError):
        history.since(-5)


def test_readers_do_not_wait_for_a_pass_nor_see_half_of_it(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    count = history.store.count
    found: list[tuple[int, int]] = []

    def read() -> None:
        found.append((history.store.count, len(pages(history, 100).commits)))

    with history.store.writing():
        history.store.set_fact("count", "0")
        history.store.db.execute("DELETE FROM marks")
        thread = threading.Thread(target=read)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
        assert history.store.count == 0
        history.store.set_fact("count", str(count))
    assert found == [(count, count)]


@given(
    st.lists(st.integers(1, 9), max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=6),
)
def test_what_is_missing_is_all_that_is_not_there(
    lengths: list[int], gaps: list[tuple[int, int]]
) -> None:
    commits, at = [], 0
    for length in lengths:
        commits.append((at, length))
        at += length
    have, place = [], 0
    for gap, length in gaps:
        if place + gap + length <= at:
            have.append((place + gap, length))
            place += gap + length

    class Spans:
        def spans(self, table: str) -> list[tuple[int, int]]:
            return commits if table == "commits" else have

    found = passes.missing(Spans(), "lines")  # type: ignore[arg-type]
    told = [number for first, count in found for number in range(first, first + count)]
    done = {number for first, count in have for number in range(first, first + count)}
    assert sorted(told) == [number for number in range(at) if number not in done]
    for first, count in found:
        assert any(a <= first and first + count <= a + b for a, b in commits)
    assert found == sorted(found, reverse=True)


def test_another_branch_that_is_checked_out_is_told(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    last = history.since(0)[-1][0]
    repo.git("checkout", "-q", "--detach")
    assert history.update().changes == []
    assert [change for _, change in history.since(last)] == [{"type": "head", "name": None}]
    same(history, repo)
