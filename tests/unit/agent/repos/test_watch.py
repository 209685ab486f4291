# SPDX-License-Identifier: Apache-2.0
"""What is written to refs is noticed, and nothing else is."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from codex_agent.repos.errors import GoneError
from codex_agent.repos.watch import Watch, follow, holds_refs, watching

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.agent.repos.conftest import Opener
    from tests.unit.agent.repos.made import Repo

LIMIT_S = 60.0


def waited(watch: Watch) -> None:
    for _ in range(20):
        watch.wait(1.0)


def test_every_way_to_change_a_ref_is_noticed(repo: Repo, opening: Opener) -> None:
    place = opening(repo.path).place
    acts: list[Callable[[], str]] = [
        lambda: repo.commit("more", {"m": "1\n"}),
        lambda: repo.git("branch", "a/b/c"),
        lambda: repo.git("checkout", "-q", "side"),
        lambda: repo.git("pack-refs", "--all"),
        lambda: repo.git("update-ref", "-d", "refs/heads/a/b/c"),
    ]
    with watching(place) as watch:
        for act in acts:
            while watch.wait(0.3):
                pass
            act()
            assert watch.wait(LIMIT_S)


def test_other_files_are_not_noticed(repo: Repo, opening: Opener) -> None:
    place = opening(repo.path).place
    with watching(place) as watch:
        repo.put("new.txt", "x\n")
        repo.git("add", "--all")
        repo.git("hash-object", "-w", "--stdin", given=b"new")
        (repo.path / ".git/refs/heads/x.lock").write_text("")
        assert not watch.wait(1.0)
        watch.wake()
        assert watch.wait(LIMIT_S)


def test_what_holds_refs(repo: Repo, opening: Opener) -> None:
    place = opening(repo.path).place
    base = place.git_dir
    for name in ("HEAD", "packed-refs", "refs/heads/x", "reftable/tables.list"):
        assert holds_refs(place, f"{base}/{name}")
    for name in ("index", "HEAD.lock", "objects/ab/cd", "refs/heads/x.lock", "ORIG_HEAD", "refs"):
        assert not holds_refs(place, f"{base}/{name}")
    assert not holds_refs(place, "/elsewhere/HEAD")


def test_a_repository_that_is_removed_ends_the_watch(repo: Repo, opening: Opener) -> None:
    place = opening(repo.path).place
    with watching(place) as watch:
        shutil.rmtree(repo.path)
        with pytest.raises(GoneError):
            waited(watch)
    with pytest.raises(GoneError), watching(place):
        pass


def test_a_commit_becomes_a_numbered_change(repo: Repo, opening: Opener, tmp_path: Path) -> None:
    history = opening(repo.path)
    last = history.since(0)[-1][0]
    stop, looked = threading.Event(), threading.Event()

    def look() -> None:
        history.update()
        looked.set()

    thread = threading.Thread(target=follow, args=(history.place, look, stop, 1.0))
    thread.start()
    try:
        assert looked.wait(LIMIT_S)
        repo.commit("live", {"l": "1\n"})
        for _ in range(int(LIMIT_S)):
            looked.clear()
            news = history.since(last)
            if news:
                break
            looked.wait(1.0)
        assert news[0][1]["type"] == "new_commit"
    finally:
        stop.set()
        thread.join()
