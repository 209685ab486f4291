# SPDX-License-Identifier: Apache-2.0
"""Commits for readers: first screen, pages, cursors, and the stream of columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from codex_agent.repos.columns import numbers, unpack
from codex_agent.repos.commits import first_screen, pages, stream
from codex_agent.repos.errors import QuestionError
from codex_agent.repos.people import resolve
from tests.unit.agent.repos.made import Repo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.agent.repos.conftest import Opener


def test_the_first_screen_needs_no_store(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path, update=False)
    before = first_screen(history, 5)
    assert [c.oid for c in before] == repo.git(
        "log", "--branches", "--tags", "-5", "--format=%H"
    ).split()
    assert before[0].depth is None
    history.update()
    after = first_screen(history, 10**9)
    assert {c.oid for c in after} == set(repo.git("rev-list", "--all").split())
    same = {c.oid: c for c in after}[before[0].oid]
    assert (same.subject, same.author, same.time, same.zone_minutes) == (
        before[0].subject, before[0].author, before[0].time, 60,
    )  # fmt: skip
    assert same.branch == "refs/heads/main"


def test_pages_have_every_commit_once(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    found, cursor = [], None
    while True:
        page = pages(history, 3, cursor)
        found += page.commits
        assert page.total == history.store.count
        if page.next is None:
            break
        cursor = page.next
    assert len(found) == page.total
    assert {c.oid for c in found} == set(repo.git("rev-list", "--all").split())
    place = {c.oid: at for at, c in enumerate(found)}
    assert all(place[p] > place[c.oid] for c in found for p in c.parents)


def test_a_cursor_holds_while_the_history_grows(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    first = pages(history, 2)
    expected = pages(history, 2, first.next)
    repo.commit("more", {"m": "1\n"})
    history.update()
    assert pages(history, 2, first.next).commits == expected.commits


def test_bad_cursors_and_limits_are_refused(repo: Repo, opening: Opener, tmp_path: Path) -> None:
    history = opening(repo.path)
    other = Repo(tmp_path / "root/other")
    for number in range(4):
        other.commit(f"{number}")
    foreign = pages(opening(other.path, name="other"), 1).next
    assert foreign is not None
    assert history.id not in foreign
    bad = [foreign, "", "x", f"{history.id}-1-99999", f"{history.id}-99-1", f"{history.id}-1--1",
           f"{history.id}-1-" + "9" * 30, "0" * 10_000]  # fmt: skip
    for cursor in bad:
        with pytest.raises(QuestionError):
            pages(history, 10, cursor)
    for limit in (0, -1):
        with pytest.raises(QuestionError):
            pages(history, limit)
        with pytest.raises(QuestionError):
            first_screen(history, limit)
    assert len(pages(history, 10**9).commits) == history.store.count


def test_the_stream_is_the_graph(repo: Repo, opening: Opener) -> None:
    repo.git("checkout", "-q", "--detach", "HEAD~1")
    repo.commit("soon unseen", {"u": "1\n"})
    history = opening(repo.path)
    repo.git("checkout", "-q", "main")
    history.update()
    people = resolve(history.cache, history.store.authors())
    runs = list(stream(history, people, ids=True))
    assert runs
    about = json.loads(unpack(runs[0][4:])["about"])
    commits = {c.oid: c for c in pages(history, 1000).commits}
    assert about["total"] == len(commits) == history.store.count - 1
    seen = {}
    ids: dict[int, str] = {}
    for run in runs:
        assert int.from_bytes(run[:4], "little") == len(run) - 4
        got = unpack(run[4:])
        about_run = json.loads(got["run"])
        span = range(about_run["first"], about_run["first"] + about_run["count"])
        number = numbers("I", got["number"]).tolist() if "number" in got else list(span)
        back = iter(numbers("I", got["back"]))
        depth = 0
        for at, n in enumerate(number):
            ids[n] = got["oid"][at * 20 : at * 20 + 20].hex()
            depth += numbers("i", got["rise"])[at]
            seen[ids[n]] = (
                tuple(n - next(back) for _ in range(numbers("I", got["parents"])[at])),
                numbers("q", got["time"])[at],
                about["branches"][numbers("I", got["branch"])[at]],
                about["authors"][numbers("I", got["author"])[at]][0],
                depth,
            )  # fmt: skip
        assert next(back, None) is None
    assert seen.keys() == commits.keys()
    for oid, (parents, time, branch, author, deep) in seen.items():
        commit = commits[oid]
        assert tuple(ids[p] for p in parents) == commit.parents
        assert (time, branch, author, deep) == (
            commit.time, commit.branch, commit.author, commit.depth,
        )  # fmt: skip


def test_an_empty_history_has_nothing_to_show(tmp_path: Path, opening: Opener) -> None:
    history = opening(Repo(tmp_path / "root/empty").path)
    assert pages(history, 10).commits == []
    assert first_screen(history, 10) == []
    assert b"".join(stream(history, resolve(history.cache, [])))[:0] == b""
