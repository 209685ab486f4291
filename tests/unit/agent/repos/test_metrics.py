# SPDX-License-Identifier: Apache-2.0
"""Metrics have known answers on a small history."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from codex_agent.repos.metrics.activity import activity
from codex_agent.repos.metrics.churn import churn, hotspots
from codex_agent.repos.metrics.coupling import coupling
from codex_agent.repos.metrics.files import sizes, tree
from codex_agent.repos.metrics.people import authors_of, bus_factor, degrees, ownership
from codex_agent.repos.metrics.survival import survival
from codex_agent.repos.people import resolve
from tests.unit.agent.repos.made import Repo

if TYPE_CHECKING:
    from pathlib import Path

    from codex_agent.repos.history import History
    from tests.unit.agent.repos.conftest import Opener

EVE = ("Eve", "eve@example.org")


@pytest.fixture
def team(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "root/team")
    repo.commit("1", {"core.c": "1\n2\n3\n", "core.h": "h\n", "doc/a.md": "a\n"})
    repo.commit("2", {"core.c": "1\n2\n3\n4\n", "core.h": "h\nh\n"})
    repo.commit("3", {"core.c": "1\n2\n3\n4\n5\n", "core.h": "h\nh\nh\n"}, author=EVE)
    repo.commit("4", {"doc/a.md": "b\n"}, author=EVE)
    return repo


@pytest.fixture
def history(team: Repo, opening: Opener) -> History:
    found = opening(team.path)
    found.read_files()
    return found


def test_churn_with_and_without_lines(team: Repo, history: History) -> None:
    people = resolve(history.cache, history.store.authors())
    stats, over = churn(history, people)
    assert [(s.path, s.changes, s.added) for s in stats] == [
        (b"core.c", 3, None), (b"core.h", 3, None), (b"doc/a.md", 2, None),
    ]  # fmt: skip
    assert over.lines is False
    assert over.lines_reason == "The lines of 0 of 4 commits are counted so far."
    history.read_lines()
    stats, over = churn(history, people, sizes=sizes(history.cache, team.git("rev-parse", "HEAD")))
    assert over.lines
    assert over.commits == 4
    assert [(s.path, s.added, s.deleted, s.size) for s in stats] == [
        (b"core.c", 5, 0, 10), (b"core.h", 3, 0, 6), (b"doc/a.md", 2, 1, 2),
    ]  # fmt: skip
    assert stats[0].heat == 1.0
    assert 0 < stats[2].heat < 1
    assert stats[0].last == int(team.git("log", "-1", "--format=%ct", "HEAD~1"))
    assert [(s.path, h) for s, h in hotspots(stats, 2)] == [(b"core.c", 1.0), (b"core.h", 0.6)]
    newest, over = churn(history, people, limit=1)
    assert [s.path for s in newest] == [b"doc/a.md"]
    assert over.commits == 1


def test_churn_is_what_git_counts(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    history.read_lines()
    stats, _ = churn(history, resolve(history.cache, history.store.authors()))
    said = repo.git("log", "--branches", "--tags", "--no-renames", "--name-only", "--format=")
    for path, count in Counter(line for line in said.splitlines() if line).items():
        if path != "src/main.py":  # a rename counts for the new name alone
            found = next(s for s in stats if s.path.decode() == path)
            assert found.changes == count, path


def test_owners(history: History) -> None:
    history.read_lines()
    people = resolve(history.cache, history.store.authors())
    rows, _ = ownership(history, people, {b"core.c", b"doc/a.md"}, 10)
    named = {
        row.path: [(people.persons[who].name, round(share, 3)) for who, share in row.shares]
        for row in rows
    }
    assert named == {
        b"core.c": [("Ada", 0.8), ("Eve", 0.2)], b"doc/a.md": [("Ada", 0.5), ("Eve", 0.5)],
    }  # fmt: skip


def test_owners_follow_renames(tmp_path: Path, opening: Opener) -> None:
    repo = Repo(tmp_path / "root/moved")
    text = "".join(f"{n}\n" for n in range(20))
    repo.commit("1", {"old": text})
    repo.git("mv", "old", "new")
    repo.commit("2", author=EVE)
    history = opening(repo.path)
    history.read_lines()
    people = resolve(history.cache, history.store.authors())
    rows, _ = ownership(history, people, {b"new"}, 10)
    assert [(people.persons[who].name, share) for who, share in rows[0].shares] == [("Ada", 1.0)]


def test_degrees_are_those_of_the_paper() -> None:
    found = degrees({1: 5, 2: 1}, 1)
    assert found[1] == pytest.approx(3.293 + 1.098 + 0.164 * 5 - 0.321 * 0.6931, abs=1e-3)
    assert found[2] == pytest.approx(3.293 + 0.164 - 0.321 * 1.7918, abs=1e-3)
    assert authors_of({1: 5, 2: 1}, 1) == {1}
    assert authors_of({}, None) == set()


def test_bus_factor(history: History) -> None:
    history.read_lines()
    people = resolve(history.cache, history.store.authors())
    found, _ = bus_factor(history, people, {b"core.c", b"core.h", b"doc/a.md"})
    assert found.files == 3
    assert people.persons[found.persons[0]].name == "Ada"
    none, _ = bus_factor(history, people, set())
    assert (none.persons, none.files) == ((), 0)


def test_coupling(history: History) -> None:
    people = resolve(history.cache, history.store.authors())
    found, _ = coupling(history, people, 10, least=1)
    first = found.pairs[0]
    assert (first.one, first.other, first.together, first.degree) == (b"core.c", b"core.h", 3, 1.0)
    assert {(p.one, p.other): p.degree for p in found.pairs}[(b"core.c", b"doc/a.md")] == 0.25
    assert coupling(history, people, 10, least=3)[0].pairs == [first]


def test_activity(history: History) -> None:
    people = resolve(history.cache, history.store.authors())
    found = activity(history, people)
    assert sum(found.months.values()) == 4
    assert {month for _, month in found.months} == {"2023-11"}
    # 2023-11-14 was a Tuesday; 22:14 UTC is 23:14 where the author was.
    assert found.hours == {(1, 23): 4}
    assert found.undated == 0


def test_sizes_and_directories(team: Repo, history: History) -> None:
    found = sizes(history.cache, team.git("rev-parse", "HEAD"))
    assert found == {b"core.c": 10, b"core.h": 6, b"doc/a.md": 2}
    top = tree(found, [(b"core.c", 3), (b"doc/a.md", 2)])
    assert (top.size, top.count, top.changes) == (18, 3, 5)
    assert (top.folders[b"doc"].size, top.folders[b"doc"].changes) == (2, 2)
    deep = tree({b"/".join([b"d"] * 1000): 1})
    assert deep.count == 1


def test_survival(team: Repo, history: History) -> None:
    tips = [team.git("rev-parse", "HEAD"), team.git("rev-parse", "HEAD~3")]
    names = [b"core.c", b"none"]
    moments = survival(history.cache, tips, [names, names])
    assert [(m.years, m.files, m.failed) for m in moments] == [({2023: 5}, 1, 1), ({2023: 3}, 1, 1)]


def test_people_by_mailmap_and_alias(team: Repo, history: History) -> None:
    authors = [(b"Ada", b"ada@x"), (b"A. Lovelace", b"ADA@old"), (b"Eve", b"eve@x"),
               (b"\xff<b>", b"\xfe"), (b"", b"")]  # fmt: skip
    plain = resolve(history.cache, authors)
    assert len(plain.persons) == 5
    found = resolve(
        history.cache, authors, b"Ada Lovelace <ada@x>\nAda Lovelace <ada@x> <ada@old>\n\0garbage"
    )
    assert found.of[0] == found.of[1]
    assert found.persons[found.of[0]].name == "Ada Lovelace"
    assert found.persons[found.of[3]].name == "\ufffd<b>"
    aliased = resolve(history.cache, authors, b"Ada Lovelace <ada@x>", b"Countess <ada@x>\n")
    assert aliased.persons[aliased.of[0]].name == "Countess"


def test_the_mailmap_of_head_is_used(team: Repo, opening: Opener) -> None:
    team.commit("map", {".mailmap": "Grace <grace@x> <EVE@example.org>\n"})
    history = opening(team.path)
    assert {p.name for p in history.people().persons} == {"Ada", "Grace"}
    assert {p.name for p in history.people(b"Augusta <ada@example.org>\n").persons} == {
        "Augusta", "Grace",
    }  # fmt: skip
    said = team.git("log", "--use-mailmap", "--format=%aN").split()
    assert set(said) == {"Ada", "Grace"}
