# SPDX-License-Identifier: Apache-2.0
"""Columns, branches, files and metrics over HTTPS, compared with git."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.repos.columns import numbers, unpack
from tests.unit.agent.repos.made import Repo, branched
from tests.unit.agent.repos.showing import Showing, showing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Showing, Repo]]:
    folder = tmp_path_factory.mktemp("graph")
    repo = branched(folder / "root" / "repo")
    with showing(folder) as found:
        found.add(repo.path)
        found.ready(passes=True)
        yield found, repo


def runs(content: bytes) -> list[dict[str, bytes]]:
    found, at = [], 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "little")
        found.append(unpack(content[at + 4 : at + 4 + length]))
        at += 4 + length
    assert at == len(content)
    return found


def test_columns_are_the_commits(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    rows = {row["number"]: row for row in show.data("/api/commits")}
    response = show.client.get(
        "/api/graph", params={"ids": True}, headers={"Accept-Encoding": "identity"}
    )
    assert response.headers["content-type"] == "application/vnd.codex.columns"
    assert "content-encoding" not in response.headers
    (run,) = runs(response.content)
    about, span = json.loads(run["about"]), json.loads(run["run"])
    (entry,) = show.data("/api/repos")
    assert about["total"] == span["count"] == len(rows)
    assert (about["repo"], about["birth"]) == (entry["id"], entry["birth"])
    times, author, branch = (numbers(code, run[name]) for code, name in
                             (("q", "time"), ("I", "author"), ("I", "branch")))  # fmt: skip
    rise, parents, back = (numbers(code, run[name]) for code, name in
                           (("i", "rise"), ("I", "parents"), ("I", "back")))  # fmt: skip
    depth = at = 0
    for place in range(span["count"]):
        row = rows[span["first"] + place]
        depth = depth + rise[place]
        label = branch[place]
        assert (about["branches"][label], about["lanes"][label]) == (row["branch"], row["x"])
        assert about["authors"][author[place]] == [row["author"], row["author_email"]]
        assert row["color"] == f"hsl({about['hues'][author[place]]}, 70%, 60%)"
        assert (times[place] - about["first_time"], depth) == (row["y"], row["z"])
        above = [rows[row["number"] - step]["sha"] for step in back[at : at + parents[place]]]
        assert above == row["parents"]
        at += parents[place]
        assert run["oid"][place * 20 : place * 20 + 20].hex() == row["sha"]


def test_columns_are_packed_for_who_takes_it(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    plain = show.client.get("/api/graph", headers={"Accept-Encoding": "identity"})
    with show.client.stream("GET", "/api/graph", headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        content = b"".join(packed.iter_raw())
    assert zlib.decompress(content, 31) == plain.content
    refused = show.client.get("/api/graph", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    again = show.client.get("/api/graph", headers={"If-None-Match": plain.headers["etag"]})
    assert again.status_code == 304


def test_changes_of_files_as_columns(shown: tuple[Showing, Repo]) -> None:
    show, repo = shown
    (run,) = runs(show.client.get("/api/files/stream").content)
    about, paths = json.loads(run["about"]), json.loads(run["paths"])
    assert about["lines"] is True
    rows = {row["number"]: row["sha"] for row in show.data("/api/commits")}
    first = json.loads(run["run"])["first"]
    count, path = numbers("I", run["count"]), numbers("I", run["path"])
    added, status = numbers("I", run["added"]), numbers("B", run["status"])
    at = 0
    for place, files in enumerate(count):
        told = {(chr(status[i]), paths[path[i]], added[i]) for i in range(at, at + files)}
        sha = rows[first + place]
        assert told == git_says(repo, sha), sha
        at += files


def git_says(repo: Repo, sha: str) -> set[tuple[str, str, int]]:
    if len(repo.git("show", "-s", "--format=%P", sha).split()) > 1:
        return set()
    base = ("diff-tree", "-r", "--root", "--no-commit-id", "-M")
    kinds = {line.split("\t")[-1]: line[0]
             for line in repo.git(*base, "--name-status", sha).splitlines()}  # fmt: skip
    found = set()
    words = repo.git(*base, "--numstat", "-z", sha).split("\0")
    while words and words[0]:
        head = words.pop(0).split("\t")
        name = head[2] or words[1]
        if not head[2]:
            del words[:2]
        found.add((kinds[name], name, 0xFFFFFFFF if head[0] == "-" else int(head[0])))
    return found


def test_branches(shown: tuple[Showing, Repo]) -> None:
    show, repo = shown
    nodes = {node["name"]: node for node in show.data("/api/branches/graph")}
    assert set(nodes) == {"main", "side"}
    main, side = nodes["main"], nodes["side"]
    merge = repo.git("log", "--merges", "--format=%H")
    fork = repo.git("merge-base", "side", "main~3^1")
    assert main["merge_count"] == 1
    assert (main["connections"], main["is_active"]) == ([], True)
    assert side["connections"] == [
        {"target_branch": "main", "merge_sha": merge, "connection_type": "merge"},
        {"target_branch": "main", "merge_sha": fork, "connection_type": "fork"},
    ]
    assert side["head_sha"] == repo.git("rev-parse", "side")
    assert side["created_at"] == side["last_commit"]
    assert main["x"] == 0


def test_heatmap_is_what_git_counts(shown: tuple[Showing, Repo]) -> None:
    show, repo = shown
    answer = show.get("/api/files/heatmap")
    assert list(answer) == ["success", "data", "error", "total", "basis"]
    assert answer["basis"] == {"commits": 8, "lines": True, "lines_reason": None}
    rows = {row["path"]: row for row in answer["data"]}
    assert answer["total"] == len(rows)
    for name, row in rows.items():
        changes = repo.git("log", "--format=%H", "--no-renames", "--", name).split()
        assert row["change_count"] == len(changes) or name.startswith("src/"), name
    first = rows["a.txt"]
    assert (first["additions"], first["deletions"], first["heat_level"]) == (5, 1, 1.0)
    assert first["size"] == int(repo.git("cat-file", "-s", "HEAD:a.txt"))
    assert rows["b.txt"]["size"] is None
    assert first["authors"] == ["Ada"]
    assert len(show.get("/api/files/heatmap", files=1)["data"]) == 1
    assert show.get("/api/files/heatmap", limit=1)["basis"]["commits"] == 1


def test_tree_of_moments(shown: tuple[Showing, Repo]) -> None:
    show, repo = shown
    head = show.data("/api/files/tree")
    listed = [line.split() for line in repo.git("ls-tree", "-r", "-l", "HEAD").splitlines()]
    assert list(zip(head["paths"], head["sizes"], strict=True)) == sorted(
        (line[4], int(line[3])) for line in listed
    )
    shas = repo.git("log", "--first-parent", "--format=%H").split()
    early = show.data("/api/files/tree", at=shas[-1])
    assert early["paths"] == ["a.txt", "src/main.py"]
    moment = show.data(f"/api/commits/{shas[-2]}")["timestamp"]
    assert show.data("/api/files/tree", time=moment)["commit"] == shas[-2]
    show.refused("/api/files/tree", 404, "not_found", time="1971-01-01T00:00:00Z")
    show.refused("/api/files/tree", 422, "invalid", time=moment, at=shas[0])


def test_one_file(shown: tuple[Showing, Repo]) -> None:
    show, repo = shown
    head = repo.git("rev-parse", "HEAD")
    rows = show.data("/api/files/history", path="src/other.py", at=head)
    assert [row["message"] for row in rows] == ["renamed", "first"]
    rows = show.data("/api/files/history", path="src/other.py", at=head, follow=False)
    assert [row["message"] for row in rows] == ["renamed"]
    content = show.data("/api/files/content", path="a.txt", at=head)
    assert content["text"] == "one\n2\nthree\nfour\n"
    binary = show.data("/api/files/content", path="picture.bin", at=head)
    assert (binary["binary"], binary["text"], binary["size"]) == (True, None, 2048)
    blamed = show.data("/api/files/blame", path="a.txt", at=head)
    by_line = {run["first"] + n: run["sha"] for run in blamed for n in range(run["count"])}
    said = repo.git("blame", "--porcelain", "--root", "a.txt").splitlines()
    shas = [line.split()[0] for line in said if len(line.split()[0]) == 40]
    assert [by_line[n + 1] for n in range(4)] == shas
    for route in ("content", "blame"):
        show.refused(f"/api/files/{route}", 404, "not_found", path="nothing", at=head)


@pytest.mark.parametrize("name", ["hotspots", "ownership", "coupling", "bus_factor", "activity"])
def test_metrics(shown: tuple[Showing, Repo], name: str) -> None:
    show, _ = shown
    found: dict[str, Any] = show.data(f"/api/metrics/{name}")
    field = {"ownership": "owners", "coupling": "pairs"}.get(name, name)
    filled = {key for key, value in found.items() if value is not None}
    assert filled - {"basis"} == {"name", field}
    assert found == show.data(f"/api/metrics/{name}")
    if name == "bus_factor":
        assert found["bus_factor"]["authors"] == ["Ada"]
    if name == "activity":
        assert sum(row["commits"] for row in found["activity"]["months"]) == 8
    if name == "hotspots":
        assert found["hotspots"][0]["value"] == 1.0
