# SPDX-License-Identifier: Apache-2.0
"""``codex repos`` and ``codex git``: what they print, write, refuse, and leave alone."""

from __future__ import annotations

import base64
import csv
import io
import json
import struct
from typing import TYPE_CHECKING

import pytest

from codex_agent.cli import git
from codex_agent.cli.main import main
from codex_agent.repos import allow
from codex_agent.repos.export import as_csv, as_gltf
from codex_agent.repos.scene import Commit3D, at_time, labels, moment
from tests.unit.agent.repos.made import Repo, branched, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.agent.repos.conftest import Opener


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host whose list, root and caches are folders of the test."""
    (tmp_path / "root").mkdir(exist_ok=True)
    monkeypatch.setattr(allow, "FOLDER", str(tmp_path / "list"))
    monkeypatch.setattr(git, "cache", lambda: tmp_path / "cache")
    monkeypatch.setenv("CODEX_REPOS_ROOTS", str(tmp_path / "root"))
    return tmp_path


def test_add_list_remove(place: Path, repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repos", "list"]) == 0
    assert capsys.readouterr().out == "No repository is shown.\n"
    assert main(["repos", "add", str(repo.path), "--name", "mine"]) == 0
    id_, name, path = capsys.readouterr().out.split()
    assert (name, path) == ("mine", str(repo.path))
    # The service has another account, and reads the list all the same.
    assert (place / "list" / allow.NAME).stat().st_mode & 0o777 == 0o644
    assert main(["repos", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"id": id_, "path": path, "name": "mine"}]
    assert main(["repos", "remove", "mine"]) == 0
    assert main(["repos", "remove", "mine"]) == 3
    assert "There is no repository 'mine'" in capsys.readouterr().err


def test_what_is_not_added(
    place: Path, repo: Repo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = branched(place / "outside")
    assert main(["repos", "add", str(outside.path)]) == 3
    assert "in none of the roots" in capsys.readouterr().err
    assert main(["repos", "add", str(place / "root")]) == 4
    assert main(["repos", "add", str(place / "root" / "nothing")]) == 5
    assert main(["repos", "add", str(repo.path), "--name", "\x1b[2J"]) == 64
    assert "\x1b" not in capsys.readouterr().err
    monkeypatch.delenv("CODEX_REPOS_ROOTS")
    assert main(["repos", "add", str(repo.path)]) == 3
    assert "has no roots" in capsys.readouterr().err
    assert not (place / "list" / allow.NAME).exists()


def test_commits_by_name_and_by_path(
    place: Path, repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(repo.path)
    main(["repos", "add", str(repo.path), "--name", "mine"])
    capsys.readouterr()
    assert main(["git", "commits", "--repo", "mine", "--limit", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    shas = repo.git("log", "-2", "--format=%H").split()
    assert [line.split()[0] for line in lines] == [sha[:12] for sha in shas]
    assert main(["git", "commits", "--repo", str(repo.path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["sha"] for row in rows} == set(repo.git("log", "--all", "--format=%H").split())
    assert snapshot(repo.path) == before


def test_what_is_printed_is_safe(
    place: Path, repo: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.put(b"\x1b[2J.txt", b"x")
    repo.commit("\x1b]0;title\x07", author=("\x1b[31m", "a@b"))
    for words in (["commits"], ["branches"], ["heatmap"]):
        assert main(["git", *words, "--repo", str(repo.path)]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "\x07" not in out
        assert out.strip()


def test_heatmap(place: Path, repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["git", "heatmap", "--repo", str(repo.path)]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "unavailable" in said.out
    assert "--lines counts them" in said.err
    assert main([*words, "--lines", "--json", "--files", "1"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["path"], row["additions"], row["deletions"]) == ("a.txt", 5, 1)


@pytest.mark.parametrize("limit", ["0", "-1", "x", "9999999999999", "1e3", "\u0661"])
def test_limits_that_are_none(place: Path, repo: Repo, limit: str) -> None:
    assert main(["git", "commits", "--repo", str(repo.path), "--limit", limit]) == 64


def test_what_is_no_repository(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["git", "commits", "--repo", str(place / "nothing")]) == 5
    assert main(["git", "branches", "--repo", str(place / "root")]) == 4
    assert "is not a Git repository" in capsys.readouterr().err


def test_export(place: Path, repo: Repo, capsys: pytest.CaptureFixture[str]) -> None:
    target = place / "out.json"
    words = ["git", "export", "--repo", str(repo.path), "--output", str(target)]
    assert main(words) == 0
    content = json.loads(target.read_text())
    assert len(content["commits"]) == 8
    assert {node["name"] for node in content["branches"]} == {"main", "side"}
    assert main(words) == 1
    assert "--force" in capsys.readouterr().err
    assert main([*words, "--force", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert [row["sha"] for row in rows] == [row["sha"] for row in content["commits"]]
    missing = ["git", "export", "--repo", str(repo.path), "--output", str(place / "no" / "x")]
    assert main(missing) == 1


def commit(**more: object) -> Commit3D:
    values: dict[str, object] = {
        "sha": "a" * 40, "number": 0, "message": "m", "author": "A", "author_email": "a@b",
        "timestamp": None, "branch": "main", "parents": (), "x": 0, "y": 0, "z": 0, "color": "",
    }  # fmt: skip
    return Commit3D(**{**values, **more})  # type: ignore[arg-type]


def test_csv_holds_no_formula() -> None:
    text = as_csv([commit(message="=cmd()", author="@x", x=None)])
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["message"], row["author"], row["x"]) == ("'=cmd()", "'@x", "")


def test_gltf_is_what_its_specification_says() -> None:
    rows = [
        commit(sha="b" * 40, parents=("a" * 40, "f" * 40), x=1, y=86_400, z=1), commit(),
        commit(sha="c" * 40, y=None),
    ]  # fmt: skip
    document = json.loads(as_gltf(rows))
    assert document["asset"]["version"] == "2.0"
    (buffer,) = document["buffers"]
    content = base64.b64decode(buffer["uri"].partition(",")[2])
    assert buffer["byteLength"] == len(content) == 2 * 12 + 2 * 12 + 8
    position, _, indices = document["accessors"]
    assert (position["count"], position["min"], position["max"]) == (2, [0, 0, 0], [1, 1, 1])
    view = document["bufferViews"][indices["bufferView"]]
    assert struct.unpack_from("<2I", content, view["byteOffset"]) == (0, 1)
    assert [p["mode"] for p in document["meshes"][0]["primitives"]] == [0, 1]
    empty = json.loads(as_gltf([]))
    assert "meshes" not in empty


def test_moments_and_names() -> None:
    assert moment(0) == "1970-01-01T00:00:00Z"
    assert moment(-1) == "1969-12-31T23:59:59Z"
    assert moment(2**62) is None
    assert moment(None) is None
    names = ["refs/heads/a/b", "refs/remotes/a/b", "refs/tags/v", "HEAD", "refs/heads/\udcff"]
    assert labels(names) == ["a/b", "refs/remotes/a/b", "tags/v", "HEAD", "\ufffd"]


def test_the_commit_of_a_moment(repo: Repo, opening: Opener) -> None:
    history = opening(repo.path)
    shas = repo.git("log", "--first-parent", "--format=%H %ct").splitlines()
    head = history.store.count - 1
    for line in shas:
        sha, time = line.split()
        found = at_time(history, head, int(time))
        assert found == history.store.numbers([bytes.fromhex(sha)])[bytes.fromhex(sha)]
    assert at_time(history, head, 0) is None
