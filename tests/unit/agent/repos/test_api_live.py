# SPDX-License-Identifier: Apache-2.0
"""The WebSocket in step with git: new commits, refs, resuming, and what cannot go on."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from codex_agent.api.repos import live as live_module
from codex_agent.repos import book as book_module
from codex_agent.repos import history as history_module
from codex_agent.repos.questions import files_of
from tests.unit.agent.repos.made import Repo, branched
from tests.unit.agent.repos.showing import Showing, message, showing
from tests.unit.agent.running import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

    from codex_agent.repos.allow import Entry

LONG_S = 120.0  # a hundred handshakes at once, on a machine that does other things


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[tuple[Showing, Repo, Entry]]:
    repo = branched(tmp_path / "root" / "repo")
    with showing(tmp_path) as found:
        entry = found.add(repo.path)
        found.ready()
        yield found, repo, entry


def test_a_commit_arrives_with_its_files(shown: tuple[Showing, Repo, Entry]) -> None:
    show, repo, entry = shown
    with show.live.listen(query=f"?repo={entry.id}") as socket:
        first = message(socket, "repo")
        assert (first["repo"], first["data"]["state"]) == (entry.id, "ready")
        sha = repo.commit("live", {"new.txt": "1\n", "a.txt": "changed\n"})
        told = message(socket, "new_commit")
        assert (told["commit"]["sha"], told["commit"]["branch"]) == (sha, "main")
        assert told["seq"] > first["seq"]
        files = [message(socket, "file_changed") for _ in range(2)]
        assert {(row["path"], row["change_type"]) for row in files} == {
            ("new.txt", "added"), ("a.txt", "modified")
        }  # fmt: skip
        moved = message(socket, "branch_moved")
        assert (moved["name"], moved["branch"]["head_sha"]) == ("main", sha)
        # What the WebSocket told, the routes know.
        assert show.data("/api/commits", limit=1)[0]["sha"] == sha
        repo.git("branch", "fresh")
        assert message(socket, "branch_created")["branch"]["name"] == "fresh"
        repo.git("branch", "-D", "fresh")
        assert message(socket, "branch_deleted")["branch_name"] == "fresh"
        repo.git("checkout", "-q", "side")
        assert message(socket, "head")["branch_name"] == "side"
        repo.git("tag", "light")
        tagged = message(socket, "branch_created")
        assert (tagged["name"], tagged["branch"]) == ("tags/light", None)


def test_resuming_loses_nothing(shown: tuple[Showing, Repo, Entry]) -> None:
    show, repo, entry = shown
    with show.live.listen(query=f"?repo={entry.id}") as socket:
        seq = message(socket, "repo")["seq"]
    shas = [repo.commit(f"while nobody listened {n}") for n in range(3)]
    with show.live.listen(query=f"?repo={entry.id}&since={seq}") as socket:
        assert message(socket, "repo")["seq"] == seq
        told = [message(socket, "new_commit") for _ in range(3)]
        assert [row["commit"]["sha"] for row in told] == shas
        assert [row["seq"] for row in told] == sorted(row["seq"] for row in told)
    # Nothing twice for who has seen them.
    with show.live.listen(query=f"?repo={entry.id}&since={told[-1]['seq']}") as socket:
        message(socket, "repo")
        sha = repo.commit("one more")
        assert message(socket, "new_commit")["commit"]["sha"] == sha


def test_what_is_not_kept_is_a_resync(
    shown: tuple[Showing, Repo, Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    show, repo, entry = shown
    with show.live.listen(query=f"?repo={entry.id}&since=999999") as socket:
        assert message(socket, "repo", "resync")["type"] == "repo"
        again = message(socket, "resync")
        assert "are not kept" in again["reason"]
    monkeypatch.setattr(history_module, "KEPT_CHANGES", 1)
    with show.live.listen(query=f"?repo={entry.id}") as socket:
        seq = message(socket, "repo")["seq"]
        repo.commit("one")
        message(socket, "new_commit", "resync")
        repo.commit("two")
        message(socket, "new_commit", "resync")
    with show.live.listen(query=f"?repo={entry.id}&since={seq}") as socket:
        assert message(socket, "resync")["seq"] > seq


def test_many_commits_at_once_are_one_message(
    shown: tuple[Showing, Repo, Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    show, repo, entry = shown
    monkeypatch.setattr(history_module, "TOLD_MAX", 2)
    with show.live.listen(query=f"?repo={entry.id}") as socket:
        message(socket, "repo")
        tree = repo.git("rev-parse", "HEAD^{tree}")
        sha = repo.git("rev-parse", "HEAD")
        for n in range(5):
            sha = repo.git("commit-tree", tree, "-p", sha, "-m", f"many {n}")
        repo.git("update-ref", "refs/heads/main", sha)
        told = message(socket, "reloaded")
        assert told["count"] == 5


def test_gone_and_back(shown: tuple[Showing, Repo, Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    show, repo, entry = shown
    # A folder that goes is no change of a ref: it is noticed by looking now and then.
    monkeypatch.setattr(book_module, "LOOK_EVERY_S", 0.2)
    repo.commit("from now on it looks often")
    away = repo.path.with_name("away")
    with show.live.listen(query=f"?repo={entry.id}") as socket:
        message(socket, "repo")
        repo.path.rename(away)
        told = message(socket, "repo_error")
        assert told["code"] == "gone"
        show.refused("/api/commits", 410, "gone")
        (listed,) = show.data("/api/repos")
        assert listed["state"] == "failed"
        assert listed["reason"]
        away.rename(repo.path)
        for _ in range(int(WAIT_S * 10)):
            if show.data("/api/repos")[0]["state"] == "ready":
                break
            time.sleep(0.1)
        sha = repo.commit("back")
        # The first commit of this test may still be on its way.
        while message(socket, "new_commit")["commit"]["sha"] != sha:
            pass
    shutil.rmtree(repo.path)


def test_taken_off_the_list(shown: tuple[Showing, Repo, Entry]) -> None:
    show, repo, entry = shown
    with show.live.listen(query=f"?repo={entry.id}") as socket:
        message(socket, "repo")
        show.allowed.remove(entry.id)
        repo.commit("secret from now on")
        told = message(socket, "repo_error", "new_commit")
        assert told["code"] == "no_repository"
        show.refused("/api/commits", 404, "no_repository", repo=entry.id)


def test_a_hundred_listeners_hear_the_same(
    shown: tuple[Showing, Repo, Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    show, repo, entry = shown
    asked: list[str] = []

    def counted(cache: Any, sha: str) -> Any:
        asked.append(sha)
        return files_of(cache, sha)

    monkeypatch.setattr(live_module, "files_of", counted)
    address = f"wss://127.0.0.1:{show.live.port}/api/realtime?repo={entry.id}"

    async def next_of(socket: ClientConnection, kind: str) -> dict[str, Any]:
        while True:
            found: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), LONG_S))
            if found["type"] == kind:
                return found

    async def listener(joined: asyncio.Semaphore) -> list[str]:
        async with connect(
            address, ssl=show.live.context(), additional_headers=show.live.bearer, proxy=None,
            open_timeout=LONG_S,
        ) as socket:  # fmt: skip
            await next_of(socket, "repo")
            joined.release()
            heard = [(await next_of(socket, "new_commit"))["commit"]["sha"] for _ in range(2)]
            await next_of(socket, "file_changed")
            return heard

    async def trial() -> None:
        joined = asyncio.Semaphore(0)
        async with asyncio.TaskGroup() as group:
            listening = [group.create_task(listener(joined)) for _ in range(100)]
            for _ in listening:
                await joined.acquire()
            shas = [
                await asyncio.to_thread(repo.commit, f"{n}", {f"{n}.txt": "x"}) for n in range(2)
            ]
        assert all(task.result() == shas for task in listening)
        # Git is asked for the files of a commit once, not once for each who listens.
        assert sorted(asked) == sorted(shas)

    asyncio.run(trial())


@pytest.mark.parametrize(
    ("query", "code", "close"),
    [
        ("?repo=0123456789abcdef", "no_repository", 4404),
        ("?repo=../../etc", "invalid", 4400),
        ("?repo=", "invalid", 4400),
        ("?since=5", "invalid", 4400),
        ("?repo=0123456789abcdef&since=-1", "invalid", 4400),
    ],
)
def test_questions_that_are_refused(
    shown: tuple[Showing, Repo, Entry], query: str, code: str, close: int
) -> None:
    show, _, _ = shown
    with show.live.listen(query=query) as socket:
        assert message(socket, "error")["code"] == code
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(WAIT_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == close
    assert not show.live.service.hub._listeners


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Authorization": "Bearer wrong"}]
)
def test_strangers_hear_nothing(
    shown: tuple[Showing, Repo, Entry], headers: dict[str, str]
) -> None:
    show, _, entry = shown
    with show.live.listen({**show.live.bearer, **headers}, query=f"?repo={entry.id}") as socket:
        assert message(socket, "error", "repo", "connected")["type"] == "error"
