# SPDX-License-Identifier: Apache-2.0
"""Bad input over HTTPS: what lies outside, hostile names, damage, limits, strangers, and crowds."""

from __future__ import annotations

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.api.repos import ask
from codex_agent.repos.book import Book
from codex_agent.repos.errors import NotAllowedError
from tests.unit.agent.repos.made import Repo, branched
from tests.unit.agent.repos.showing import Showing, showing
from tests.unit.agent.running import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = {
    "html": b"<img src=x onerror=alert(1)>.js",
    "terminal": b"\x1b[2J\x07bell\r.txt",
    "bytes": b"latin-\xe9\xff.txt",
    "option": b"--output=x",
    "deep": b"d" * 200 + b"/" + b"e" * 200,
}
ROUTES = (
    "/api/commits", "/api/commits/stream", "/api/commits/paginated", "/api/graph",
    "/api/branches/graph", "/api/files/heatmap", "/api/files/stream", "/api/files/tree",
    "/api/metrics/activity",
)  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Showing, Repo]]:
    folder = tmp_path_factory.mktemp("bad")
    repo = branched(folder / "root" / "repo")
    for name in HOSTILE.values():
        repo.put(name, b"content of it\n")
    repo.commit("<script>alert(1)</script>\x1b[31m", author=("\x1b]0;x\x07<b>", "a@\u202eb"))
    with showing(folder) as found:
        found.add(repo.path)
        found.ready(passes=True)
        yield found, repo


@pytest.mark.parametrize("route", ROUTES)
def test_repositories_are_named_by_id_only(shown: tuple[Showing, Repo], route: str) -> None:
    show, repo = shown
    for given in (str(repo.path), "../repo", "repo", "%00", "", "0" * 17, "0123456789ABCDEF"):
        assert show.client.get(route, params={"repo": given}).status_code == 422, given
    show.refused(route, 404, "no_repository", repo="0123456789abcdef")
    with show.live.client() as stranger:
        assert stranger.get(route).status_code == 401
    foreign = {"Origin": "https://evil.example"}
    assert show.client.get(route, headers=foreign).status_code == 403
    assert show.client.get(route, headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("limit", [0, -1, "x", "1.5", ""])
def test_limits_that_ask_for_nothing(shown: tuple[Showing, Repo], limit: Any) -> None:
    show, _ = shown
    for route in ("/api/commits", "/api/commits/paginated", "/api/files/heatmap"):
        show.refused(route, 422, "invalid", limit=limit)
    show.refused("/api/commits/stream", 422, "invalid", chunk_size=limit)


def test_limits_of_a_billion(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    assert len(show.data("/api/commits", limit=10**9)) == 9
    assert len(show.data("/api/commits/paginated", limit=10**30)) == 9
    assert show.client.get("/api/commits/stream", params={"chunk_size": 10**9}).status_code == 200
    assert show.data("/api/files/heatmap", limit=10**12, files=10**12)


def test_hostile_names_are_only_text(shown: tuple[Showing, Repo]) -> None:
    show, repo = shown
    newest = show.data("/api/commits", limit=1)[0]
    assert newest["message"].startswith("<script>")
    response = show.client.get(f"/api/commits/{newest['sha']}")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    # No control character leaves the service as itself.
    assert not any(byte < 32 and byte != 10 for byte in response.content)
    paths = {row["path"] for row in response.json()["data"]["files"]}
    assert paths == {name.decode("utf-8", "replace") for name in HOSTILE.values()}
    for name in ("html", "terminal", "option", "deep"):
        found = show.data("/api/files/content", path=HOSTILE[name].decode(), at=newest["sha"])
        assert found["text"] == "content of it\n"
        history = show.data("/api/files/history", path=HOSTILE[name].decode(), at=newest["sha"])
        assert [row["sha"] for row in history] == [newest["sha"]]
    assert not (repo.path / "x").exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a//b", "a/../a.txt", ".", "a\0b", "a/"])
def test_paths_that_are_none(shown: tuple[Showing, Repo], path: str) -> None:
    show, _ = shown
    sha = show.data("/api/commits", limit=1)[0]["sha"]
    for route in ("history", "content", "blame"):
        show.refused(f"/api/files/{route}", 422, "invalid", path=path, at=sha)


def test_objects_that_no_branch_reaches_are_not_shown(shown: tuple[Showing, Repo]) -> None:
    """A secret that was pushed away lies in the objects for weeks; it is not to be had here."""
    show, repo = shown
    blob = repo.git("hash-object", "-w", "--stdin", given=b"password\n")
    tree = repo.git("mktree", given=f"100644 blob {blob}\tsecret\n".encode())
    sha = repo.git("commit-tree", tree, "-m", "away")
    head = repo.git("rev-parse", "HEAD")
    for gone in (sha, blob, tree, "0" * 40, "0" * 64):
        show.refused(f"/api/commits/{gone}", 404, "not_found")
        show.refused("/api/patch", 404, "not_found", new=gone)
        show.refused("/api/patch", 404, "not_found", new=head, old=gone)
        show.refused("/api/compare", 404, "not_found", old=head, new=gone)
        show.refused("/api/files/content", 404, "not_found", path="secret", at=gone)
        show.refused("/api/files/blame", 404, "not_found", path="secret", at=gone)
        show.refused("/api/files/tree", 404, "not_found", at=gone)
    show.refused("/api/commits/HEAD", 422, "invalid")
    show.refused("/api/patch", 422, "invalid", new="--output=x")


def test_cursors_of_another_repository(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    other = branched(show.folder / "root" / "other")
    entry = show.add(other.path, "other")
    try:
        (mine,) = [row for row in show.data("/api/repos") if row["id"] != entry.id]
        show.ready(entry.id)
        cursor = show.get("/api/commits/paginated", repo=entry.id, limit=2)["next"]
        found = show.refused(
            "/api/commits/paginated", 422, "invalid", repo=mine["id"], cursor=cursor
        )
        assert "another history" in found["message"]
        foreign = show.client.get(
            "/api/commits/stream", params={"repo": mine["id"]},
            headers={"Last-Event-ID": f"{cursor}.2"},
        )  # fmt: skip
        assert foreign.status_code == 422
        for bad in ("x", "1-1-1", f"{mine['id']}-99-1", f"{mine['id']}-1-99999"):
            show.refused("/api/commits/paginated", 422, "invalid", repo=mine["id"], cursor=bad)
        # With two of them one has to be named.
        show.refused("/api/commits", 422, "invalid")
    finally:
        show.allowed.remove(entry.id)


def test_links_out_of_the_roots(shown: tuple[Showing, Repo], tmp_path: Path) -> None:
    show, _ = shown
    outside = branched(tmp_path / "outside")
    link = show.folder / "root" / "link"
    link.symlink_to(outside.path)
    with pytest.raises(NotAllowedError):
        show.add(link)
    # A repository that is inside when it is added, and leads out of it later.
    moving = branched(show.folder / "root" / "moving")
    entry = show.add(moving.path, "moving")
    try:
        moving.path.rename(show.folder / "root" / "aside")
        moving.path.symlink_to(outside.path)
        show.refused("/api/commits", 403, "not_allowed", repo=entry.id)
        show.refused("/api/graph", 403, "not_allowed", repo=entry.id)
        (listed,) = [row for row in show.data("/api/repos") if row["id"] == entry.id]
        assert listed["state"] == "failed"
        assert "in none of the roots" in listed["reason"]
        # Put in order again, it is shown.
        moving.path.unlink()
        (show.folder / "root" / "aside").rename(moving.path)
        assert len(show.data("/api/commits", repo=entry.id)) == 8
    finally:
        show.allowed.remove(entry.id)


def test_damaged_objects(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    broken = branched(show.folder / "root" / "broken")
    broken.git("gc", "-q")
    for pack in (broken.path / ".git/objects/pack").glob("*.pack"):
        pack.chmod(0o644)
        content = bytearray(pack.read_bytes())
        content[len(content) // 4 : -20] = b"\xff" * (len(content) - 20 - len(content) // 4)
        pack.write_bytes(content)
    entry = show.add(broken.path, "broken")
    try:
        found = show.refused("/api/commits", 409, "damaged", repo=entry.id)
        assert found["hint"]
        assert show.client.get("/health").status_code == 200
        for _ in range(int(WAIT_S * 10)):
            (row,) = [row for row in show.data("/api/repos") if row["id"] == entry.id]
            if row["state"] == "failed":
                break
            time.sleep(0.1)
        assert row["state"] == "failed", row
        assert row["reason"]
    finally:
        show.allowed.remove(entry.id)


@pytest.mark.parametrize("route", ROUTES[1:])
def test_while_the_graph_is_read_for_the_first_time(
    shown: tuple[Showing, Repo], monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    """Nothing that is not known yet is told as if there were nothing."""
    show, _ = shown
    monkeypatch.setattr(Book, "wait_read", lambda *_: False)
    response = show.client.get(route)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "reading")
    assert int(response.headers["retry-after"]) >= 1


def test_a_hundred_clients(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown

    def ask_(number: int) -> int:
        with show.live.client(headers=show.live.bearer) as client:
            route = ROUTES[number % len(ROUTES)]
            return client.get(route).status_code

    with ThreadPoolExecutor(100) as pool:
        codes = list(pool.map(ask_, range(100)))
    assert set(codes) <= {200, 503}
    assert codes.count(200) > 50
    assert show.client.get("/api/commits").status_code == 200


def test_when_the_client_goes_its_git_goes(
    shown: tuple[Showing, Repo], monkeypatch: pytest.MonkeyPatch
) -> None:
    show, _ = shown
    began, ended = threading.Event(), threading.Event()
    pids: list[int] = []

    def slow(history: Any, _field: str, _words: str, _limit: int, cancel: Any) -> Any:
        with history.cache.git.stream(["cat-file", "--batch-check"], stdin=hanging[0],
                                      cancel=cancel) as run:  # fmt: skip
            pids.append(run._child.pid)
            began.set()
            try:
                return list(run.parts())
            finally:
                ended.set()

    monkeypatch.setattr("codex_agent.api.repos.commits.search", slow)
    hanging = os.pipe()
    try:
        head = (
            f"GET /api/search?field=content&q=x HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {show.live.token}\r\n\r\n"
        )
        connection = show.live.raw()
        connection.sendall(head.encode())
        assert began.wait(WAIT_S)
        connection.close()
        assert ended.wait(WAIT_S)
    finally:
        for end in hanging:
            os.close(end)
    for _ in range(int(WAIT_S * 100)):
        try:
            os.kill(pids[0], 0)
        except ProcessLookupError:
            break
        time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_slow_questions_leave_room_for_quick_ones(
    shown: tuple[Showing, Repo], monkeypatch: pytest.MonkeyPatch
) -> None:
    show, _ = shown
    hold = threading.Event()

    def slow(*_: Any) -> Any:
        hold.wait(WAIT_S)
        raise NotAllowedError("It was held up.", "x")

    monkeypatch.setattr("codex_agent.api.repos.commits.search", slow)
    query = {"field": "content", "q": "x"}

    def ask_(_: int) -> int:
        with show.live.client(headers=show.live.bearer) as client:
            return client.get("/api/search", params=query).status_code

    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(ask_, n) for n in range(ask.SLOW + ask.SLOW_WAITING + 4)]
        for _ in range(int(WAIT_S * 100)):
            if sum(future.done() for future in waiting) == 4:
                break
            time.sleep(0.01)
        assert show.client.get("/api/commits").status_code == 200
        hold.set()
        codes = sorted(future.result() for future in waiting)
    assert codes == [403] * (ask.SLOW + ask.SLOW_WAITING) + [503] * 4


def test_a_reader_that_stops_holds_nobody_up(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    head = (
        f"GET /api/graph HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {show.live.token}\r\n\r\n"
    )
    stuck = [show.live.raw() for _ in range(8)]
    for connection in stuck:
        connection.sendall(head.encode())
    assert len(show.data("/api/commits")) == 9
    for connection in stuck:
        connection.close()


def test_history_that_is_rewritten_while_it_is_shown(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    other = branched(show.folder / "root" / "rewritten")
    entry = show.add(other.path, "rewritten")
    try:
        show.ready(entry.id)
        before = show.data("/api/commits", repo=entry.id)[0]["sha"]
        other.git("reset", "-q", "--hard", "HEAD~2")
        after = other.commit("instead")
        for _ in range(int(WAIT_S * 10)):
            if show.data("/api/commits", repo=entry.id)[0]["sha"] == after:
                break
            time.sleep(0.1)
        shas = [row["sha"] for row in show.data("/api/commits", repo=entry.id)]
        assert shas[0] == after
        # The tag still holds what was before; nothing else does.
        assert before not in shas
        show.refused(f"/api/commits/{before}", 404, "not_found", repo=entry.id)
    finally:
        show.allowed.remove(entry.id)


def test_answers_are_json_that_is_whole(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    for route in ROUTES:
        response = show.client.get(route)
        if response.headers["content-type"] == "application/json":
            body = json.loads(response.content)
            assert list(body)[:3] == ["success", "data", "error"]
