# SPDX-License-Identifier: Apache-2.0
"""Questions about single objects, commits and files get the answers that git gives."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, get_args

import pytest

from codex_agent.repos import questions
from codex_agent.repos.errors import QuestionError, RepoError, TooMuchError
from codex_agent.repos.points import commit_header, entries, lookup, oid, points
from codex_agent.repos.search import Field, search
from tests.unit.agent.repos.made import Repo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.agent.repos.conftest import Opener


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_single_objects(form: str, tmp_path: Path, opening: Opener) -> None:
    repo = Repo(tmp_path / "root/objects", f"--object-format={form}")
    first = repo.commit("first\n\nbody ä", {"a/b/c.txt": "hello\n", "z": "z\n"})
    side = repo.commit("second", {"z": "y\n"})
    repo.git("checkout", "-q", "-b", "other", first)
    other = repo.commit("other", {"o": "o\n"})
    repo.git("checkout", "-q", "--orphan", "alone")
    alone = repo.commit("alone")
    read = points(opening(repo.path).cache)
    entry = lookup(read, first, b"a/b/c.txt")
    assert entry is not None
    assert entry.oid == repo.git("rev-parse", f"{first}:a/b/c.txt")
    assert read.content(entry.oid) == ("blob", b"hello\n")
    assert read.header(entry.oid) == ("blob", 6)
    fields, message = commit_header(read, first)
    assert message == "first\n\nbody ä\n"
    top = entries(read, fields["tree"])
    assert [(e.name, e.mode) for e in top] == [(b"a", 0o040000), (b"z", 0o100644)]
    assert lookup(read, first, b"a/none") is None
    assert lookup(read, first, b"z/below") is None
    assert read.merge_base(side, other) == first
    assert read.merge_base(side, alone) is None
    with pytest.raises(TooMuchError):
        read.content(entry.oid, 5)
    with pytest.raises(QuestionError):
        read.header("0" * len(first))
    with pytest.raises(QuestionError):
        entries(read, entry.oid)
    with pytest.raises(QuestionError):
        commit_header(read, entry.oid)


@pytest.mark.parametrize(
    "name", ["", "HEAD", "main", "--all", "a" * 39, "A" * 40, "a" * 41, "HEAD~1", "../x", "é" * 40]
)
def test_what_is_no_id_is_refused_before_git_sees_it(name: str) -> None:
    with pytest.raises(QuestionError):
        oid(name)


def test_a_commit_and_its_patch(repo: Repo, opening: Opener) -> None:
    cache = opening(repo.path).cache
    renamed = repo.git("rev-parse", "HEAD~2")
    assert [(f.status, f.path, f.old) for f in questions.files_of(cache, renamed)] == [
        ("R", b"src/other.py", b"src/main.py")
    ]
    expected = repo.git("show", "--format=", "-M", renamed)
    assert questions.patch(cache, renamed).decode().strip() == expected
    merge = repo.git("rev-list", "--merges", "-1", "HEAD")
    assert questions.files_of(cache, merge) == []
    tip = repo.git("rev-parse", "HEAD")
    first = repo.git("rev-list", "--max-parents=0", "HEAD")
    found = questions.compare(cache, first, tip)
    said = repo.git("diff", "--numstat", "-M", "--no-ext-diff", first, tip).splitlines()
    assert len(found) == len(said)
    assert [f.added for f in found if f.path == b"picture.bin"] == [None]
    with pytest.raises(QuestionError):
        questions.patch(cache, "--output=/tmp/x")


def test_a_large_patch_is_refused(
    repo: Repo, opening: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = opening(repo.path).cache
    monkeypatch.setattr(questions, "PATCH_MAX", 10)
    with pytest.raises(TooMuchError):
        questions.patch(cache, repo.git("rev-parse", "HEAD"))


def test_the_history_of_a_file(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    tip = repo.git("rev-parse", "HEAD")
    for _ in range(2):
        found = questions.file_history(history.cache, tip, b"src/other.py", 10)
        assert found == repo.git("log", "--follow", "--format=%H", "--", "src/other.py").split()
        assert len(found) == 2
        plain = questions.file_history(history.cache, tip, b"a.txt", 10, follow=False)
        assert plain == repo.git("log", "--format=%H", "--", "a.txt").split()
        history.write_commit_graph()
    for path in (b"", b"/etc/passwd", b"../x", b"a//b", b"a\0b", b"x" * 5000):
        with pytest.raises(QuestionError):
            questions.file_history(history.cache, tip, path, 10)


def test_blame(repo: Repo, opening: Opener) -> None:
    cache = opening(repo.path).cache
    tip = repo.git("rev-parse", "HEAD")
    lines = [run.commit for run in questions.blame(cache, tip, b"a.txt") for _ in range(run.count)]
    said = repo.git("blame", "--line-porcelain", "a.txt").splitlines()
    expected = [
        row.split()[0] for row in said if len(row.split()) >= 3 and len(row.split()[0]) == 40
    ]
    assert lines == expected
    with pytest.raises(RepoError):
        questions.blame(cache, tip, b"none.txt")


def test_searches(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)

    def ids(*args: str) -> list[str]:
        return repo.git("log", "--branches", "--tags", "--format=%H", *args).split()

    assert search(history, "message", "ON THE", 10).commits == ids("-i", "--grep=on the")
    assert search(history, "author", "bob", 10).commits == ids("-i", "--author=bob")
    assert search(history, "path", "a.txt", 10).commits == ids("--", "a.txt")
    assert search(history, "content", "four", 10).commits == ids("-Sfour")
    for field in get_args(Field):
        assert search(history, field, "nothing has this", 10).commits == []
        for words in ("", "x" * 201, "a\nb", "\0"):
            with pytest.raises(QuestionError):
                search(history, field, words, 10)
        with pytest.raises(QuestionError):
            search(history, field, "x", 0)
        assert search(history, field, "--all", 10**9).cut is None
    some = search(history, "author", "ada", 2)
    assert len(some.commits) == 2
    assert some.cut == "There are more than 2."


def test_a_regular_expression_is_only_a_text(repo: Repo, opening: Opener) -> None:
    repo.commit("what (a+)+$ costs")
    history = opening(repo.path)
    assert len(search(history, "message", "(a+)+$", 10).commits) == 1
    assert search(history, "message", ".*", 10).commits == []


def test_readers_in_many_threads(repo: Repo, opening: Opener) -> None:
    from codex_agent.repos.commits import pages

    history = opening(repo.path)
    wrong: list[BaseException] = []
    expected = pages(history, 100)

    def read() -> None:
        try:
            for _ in range(5):
                assert pages(history, 100).commits == expected.commits
        except BaseException as error:  # noqa: BLE001 - told by the test
            wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
