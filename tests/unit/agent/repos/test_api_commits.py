# SPDX-License-Identifier: Apache-2.0
"""Commits over HTTPS: the first screen, pages, details, patches, search; compared with git."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.agent.repos.made import Repo, branched
from tests.unit.agent.repos.showing import Showing, showing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Showing, Repo]]:
    folder = tmp_path_factory.mktemp("shown")
    repo = branched(folder / "root" / "repo")
    with showing(folder) as found:
        found.add(repo.path)
        found.ready(passes=True)
        yield found, repo


def test_all_commits_stand_where_they_should(shown: tuple[Showing, Repo]) -> None:
    show, repo = shown
    rows = show.data("/api/commits")
    form = "--format=%H\t%P\t%an\t%ae\t%ct\t%s"
    listed = [line.split("\t") for line in repo.git("log", "--all", form).splitlines()]
    said = {line[0]: line for line in listed}
    assert {row["sha"] for row in rows} == set(said)
    first = min(int(line[4]) for line in listed)
    for row in rows:
        _, parents, author, email, time, subject = said[row["sha"]]
        assert row["parents"] == parents.split()
        assert (row["author"], row["author_email"]) == (author, email)
        assert (row["message"], row["y"]) == (subject, int(time) - first)
        assert row["timestamp"].endswith("Z")
        assert row["color"].startswith("hsl(")
    by_sha = {row["sha"]: row for row in rows}
    for row in rows:
        for parent in row["parents"]:
            assert by_sha[parent]["z"] < row["z"]
            assert by_sha[parent]["number"] < row["number"]
    side = [row for row in rows if row["branch"] == "side"]
    assert [row["message"] for row in side] == ["on the side"]
    assert {row["x"] for row in side} != {row["x"] for row in rows if row["branch"] == "main"}


def test_first_screen_answers_before_the_graph_is_read(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    other = branched(show.folder / "root" / "new")
    entry = show.add(other.path, "new")
    try:
        rows = show.data("/api/commits", repo=entry.id, limit=3)
        assert [row["sha"] for row in rows] == other.git("log", "-3", "--format=%H").split()
    finally:
        show.allowed.remove(entry.id)


def test_pages_by_number_and_by_cursor(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    whole = show.data("/api/commits")
    by_page: list[dict[str, Any]] = []
    for page in range(10):
        answer = show.get("/api/commits/paginated", page=page, limit=3)
        assert list(answer) == ["success", "data", "error", "total", "next"]
        assert answer["total"] == len(whole)
        by_page += answer["data"]
        if answer["next"] is None:
            break
    assert by_page == whole
    by_cursor, cursor = [], None
    while True:
        answer = show.get("/api/commits/paginated", limit=2, cursor=cursor)
        by_cursor += answer["data"]
        cursor = answer["next"]
        if cursor is None:
            break
    assert by_cursor == whole
    assert show.get("/api/commits/paginated", page=10**9, limit=10**9)["data"] == []


def test_lookup(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    whole = show.data("/api/commits")
    numbers = [row["number"] for row in whole][1:4]
    asked = ",".join(map(str, [*numbers, 99_999]))
    assert show.data("/api/commits/lookup", numbers=asked) == whole[1:4]
    shas = ",".join([whole[2]["sha"], "0" * 40, "abc"])
    assert show.data("/api/commits/lookup", shas=shas) == [whole[2]]
    show.refused("/api/commits/lookup", 422, "invalid")
    show.refused("/api/commits/lookup", 422, "invalid", numbers="1", shas="0" * 40)
    show.refused("/api/commits/lookup", 422, "invalid", numbers=",".join(["1"] * 1001))
    assert show.data("/api/commits/lookup", numbers="9" * 300) == []


def test_detail(shown: tuple[Showing, Repo]) -> None:
    show, repo = shown
    sha = repo.git("log", "--format=%H", "--grep=renamed")
    found = show.data(f"/api/commits/{sha}")
    assert found["body"] == "renamed\n"
    assert (found["committer"], found["committer_email"]) == ("Carl", "carl@example.org")
    assert found["author_offset_minutes"] == 60
    assert found["files"] == [
        {"status": "R", "path": "src/other.py", "old_path": "src/main.py", "additions": 0,
         "deletions": 0, "mode": "100644"}
    ]  # fmt: skip
    tagged = show.data(f"/api/commits/{repo.git('rev-parse', 'v1^{commit}')}")
    assert tagged["refs"] == ["tags/v1"]
    assert {row["path"]: row["additions"] for row in tagged["files"]} == {
        "link": 1, "picture.bin": None
    }  # fmt: skip


def test_patch_and_comparison_are_those_of_git(shown: tuple[Showing, Repo]) -> None:
    show, repo = shown
    shas = repo.git("log", "--first-parent", "--format=%H").split()
    new, old = shas[0], shas[-1]
    options = ("diff-tree", "-r", "--root", "--no-commit-id", "-p", "-M")
    patch = show.data("/api/patch", new=new)
    assert patch["text"].strip() == repo.git(*options, new)
    part = show.data("/api/patch", new=new, old=old, path="a.txt")
    assert part["text"].strip() == repo.git("diff", "-p", old, new, "--", "a.txt")
    found = show.data("/api/compare", old=old, new=new)
    lines = [
        line.split("\t") for line in repo.git("diff", "--numstat", "-M", old, new).splitlines()
    ]
    assert found["files_total"] == len(lines) == len(found["files"])
    assert found["additions"] == sum(int(line[0]) for line in lines if line[0] != "-")
    assert found["merge_base"] == repo.git("merge-base", old, new)
    assert len(show.data("/api/compare", old=old, new=new, limit=1)["files"]) == 1


@pytest.mark.parametrize(
    ("field", "q", "subjects"),
    [
        ("message", "SECOND", ["second"]),
        ("author", "bob", ["on the side"]),
        ("path", "side.txt", ["on the side"]),
        ("content", "four", ["second"]),
        ("message", "nothing has this", []),
        ("message", "--all", []),
    ],
)
def test_search(shown: tuple[Showing, Repo], field: str, q: str, subjects: list[str]) -> None:
    show, _ = shown
    answer = show.get("/api/search", field=field, q=q)
    assert [row["message"] for row in answer["data"]] == subjects
    assert answer["cut"] is None
    assert "number" in (answer["data"] or [{"number": 0}])[0]


def test_search_that_is_cut_says_so(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    answer = show.get("/api/search", field="author", q="ada", limit=1)
    assert len(answer["data"]) == 1
    assert answer["cut"] == "There are more than 1."


def test_tags_of_answers(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    first = show.client.get("/api/commits/paginated", params={"limit": 2})
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = show.client.get(
        "/api/commits/paginated", params={"limit": 2}, headers={"If-None-Match": f'"x", W/{tag}'}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    other = show.client.get(
        "/api/commits/paginated", params={"limit": 3}, headers={"If-None-Match": tag}
    )
    assert other.status_code == 200
    # Without the token nobody learns whether the tag is right.
    with show.live.client() as stranger:
        asked = {"If-None-Match": tag}
        refused = stranger.get("/api/commits/paginated", params={"limit": 2}, headers=asked)
        assert refused.status_code == 401


def events(content: str) -> list[dict[str, str]]:
    return [
        dict(line.split(": ", 1) for line in block.split("\n"))
        for block in content.strip().split("\n\n")
    ]


def test_events_and_resuming(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    whole = show.data("/api/commits")
    response = show.client.get("/api/commits/stream", params={"chunk_size": 3})
    assert response.headers["content-type"].startswith("text/event-stream")
    told = events(response.text)
    assert [event["event"] for event in told] == ["chunk", "chunk", "chunk", "end"]
    chunks = [json.loads(event["data"]) for event in told[:-1]]
    assert [row for chunk in chunks for row in chunk["chunk"]] == whole
    assert chunks[0]["progress"] == {"current": 3, "total": 8, "percent": 37.5}
    assert json.loads(told[-1]["data"]) == {"total": 8}
    # A browser that lost the connection after the first chunk gets the rest, and only that.
    rest = show.client.get(
        "/api/commits/stream", params={"chunk_size": 100}, headers={"Last-Event-ID": told[0]["id"]}
    )
    chunk = json.loads(events(rest.text)[0]["data"])
    assert chunk["chunk"] == whole[3:]
    assert chunk["progress"]["current"] == 8
    ended = show.client.get("/api/commits/stream", headers={"Last-Event-ID": told[-1]["id"]})
    assert (ended.status_code, ended.content) == (204, b"")


@pytest.mark.parametrize("given", ["x", "0123456789abcdef-1-1.5", "end", "1.1"])
def test_events_with_a_foreign_id(shown: tuple[Showing, Repo], given: str) -> None:
    show, _ = shown
    response = show.client.get("/api/commits/stream", headers={"Last-Event-ID": given})
    assert response.status_code == 422, response.text
    assert response.json()["error"]["code"] == "invalid"
