# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed while they read, and repositories that change under the reader."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.repos.cancel import Cancel
from codex_agent.repos.errors import BusyError, CancelledError, RepoError
from codex_agent.repos.lock import taken
from tests.bench.history.generate import make
from tests.unit.agent.repos import truth
from tests.unit.agent.repos.made import Repo

if TYPE_CHECKING:
    from tests.unit.agent.repos.conftest import Opener

HOME = Path(__file__).resolve().parents[4]
READ = """
import sys
from pathlib import Path
from codex_agent.repos import graph, store
for module in (graph, store):
    module.SIZE = 32
from codex_agent.repos.history import History
history = History(Path(sys.argv[1]), [Path(sys.argv[2])], Path(sys.argv[3]))
print("begins", flush=True)
history.update()
history.read_files()
history.read_lines()
history.write_commit_graph()
"""


@pytest.fixture
def made(tmp_path: Path) -> Repo:
    (tmp_path / "root").mkdir()
    repo = Repo.__new__(Repo)
    repo.path, repo.clock = tmp_path / "root/made.git", 0
    make(repo.path, 400, 5)
    return repo


def test_a_reader_that_is_killed_anywhere_leaves_a_store_that_goes_on(
    made: Repo, opening: Opener, tmp_path: Path
) -> None:
    pick = random.Random(11)
    argv = [sys.executable, "-c", READ, str(made.path), str(tmp_path / "root"),
            str(tmp_path / "state")]  # fmt: skip
    for _ in range(8):
        with subprocess.Popen(argv, cwd=HOME, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"begins\n"
            time.sleep(pick.random() * 0.4)
            os.kill(child.pid, signal.SIGKILL)
    history = opening(made.path)
    assert history.store.renewed is None
    history.read_files()
    history.read_lines()
    assert history.write_commit_graph()
    assert truth.commits_of_ours(history) == truth.commits_of_git(made)
    assert truth.names_of_ours(history) == truth.names_of_git(made)
    assert truth.lines_of_ours(history) == truth.lines_of_git(made)


def test_the_lock_of_a_commit_graph_that_was_left_is_no_hindrance(
    made: Repo, opening: Opener
) -> None:
    history = opening(made.path)
    folder = history.cache.git.folder / "objects/info/commit-graphs"
    folder.mkdir(parents=True)
    (folder / "commit-graph-chain.lock").write_text("")
    assert history.write_commit_graph()


def test_a_pass_that_is_cancelled_keeps_what_it_has(
    made: Repo, opening: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("graph", "store"):
        monkeypatch.setattr(f"codex_agent.repos.{module}.SIZE", 50)
    history = opening(made.path)
    cancel = Cancel()
    with pytest.raises(CancelledError):
        history.read_lines(workers=1, cancel=cancel, tell=lambda _: cancel.cancel())
    kept = sum(count for _, count in history.store.spans("lines"))
    assert 0 < kept < 400
    history.read_lines()
    assert truth.lines_of_ours(history) == truth.lines_of_git(made)


def test_a_cancelled_update_changes_nothing(made: Repo, opening: Opener) -> None:
    history = opening(made.path, update=False)
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(CancelledError):
        history.update(cancel)
    assert history.store.count == 0
    assert history.update().count == 400


def test_a_repository_that_vanishes_under_a_pass_ends_it(made: Repo, opening: Opener) -> None:
    history = opening(made.path)
    count = history.store.count
    thread = threading.Timer(0.05, shutil.rmtree, [made.path])
    thread.start()
    try:
        found = history.read_lines(workers=2)
        assert found.done == found.total or found.reason is not None
    except RepoError:
        pass
    thread.join()
    with pytest.raises(RepoError):
        history.update()
    assert history.store.count == count


def test_a_repository_that_is_repacked_under_a_pass_is_read_all_the_same(
    tmp_path: Path, opening: Opener
) -> None:
    repo = Repo(tmp_path / "root/repo")
    for number in range(30):
        repo.commit(f"{number}", {f"f{number % 5}": f"{number}\n" * 5})
    history = opening(repo.path)
    thread = threading.Thread(target=repo.git, args=("gc", "-q", "--prune=now"))
    thread.start()
    history.read_lines()
    thread.join()
    history.update()
    found = history.read_lines()
    assert found.done == found.total == 30
    if not found.failed:
        assert truth.lines_of_ours(history) == truth.lines_of_git(repo)


def test_the_lock_is_waited_for_only_so_long(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with taken(path, 1.0), pytest.raises(BusyError), taken(path, 0.1):
        pass
    cancel = Cancel()
    threading.Timer(0.2, cancel.cancel).start()
    with taken(path, 1.0), pytest.raises(CancelledError), taken(path, 600.0, cancel):
        pass
    with taken(path, 0.0):
        pass
