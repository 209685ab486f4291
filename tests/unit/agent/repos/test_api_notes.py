# SPDX-License-Identifier: Apache-2.0
"""Comments and shared views: who wrote them, who may delete them, and that they last."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.repos import notes as notes_module
from codex_agent.repos.errors import RepoError
from codex_agent.repos.notes import NAME, Notes
from tests.unit.agent.repos.made import Repo, branched
from tests.unit.agent.repos.showing import Showing, showing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Showing, Repo]]:
    folder = tmp_path_factory.mktemp("notes")
    repo = branched(folder / "root" / "repo")
    with showing(folder) as found:
        found.add(repo.path)
        found.ready()
        yield found, repo


@contextmanager
def signed_in(show: Showing, name: str | None) -> Iterator[httpx.Client]:
    with show.live.client() as client:
        body = {"token": show.live.token} | ({"name": name} if name is not None else {})
        assert client.post("/api/session", json=body).status_code == 204
        yield client


def test_comments_have_the_author_who_is_signed_in(shown: tuple[Showing, Repo]) -> None:
    show, repo = shown
    sha = repo.git("rev-parse", "HEAD")
    place = f"/api/comments/{sha}"
    with signed_in(show, "Ada") as ada, signed_in(show, "Bob") as bob:
        made = ada.post(place, json={"author": "Ada", "content": "<b>why?</b>\n\x1b"})
        assert made.status_code == 201, made.text
        comment = made.json()["data"]
        assert (comment["author"], comment["content"]) == ("Ada", "<b>why?</b>\n\x1b")
        assert comment["created_at"] == comment["updated_at"]
        assert comment["created_at"].endswith("Z")
        lied = bob.post(place, json={"author": "Ada", "content": "x"})
        assert (lied.status_code, lied.json()["error"]["code"]) == (403, "not_you")
        second = bob.post(place, json={"content": "because"}).json()["data"]
        listed = bob.get(place).json()["data"]
        assert [row["id"] for row in listed] == [comment["id"], second["id"]]
        refused = bob.delete(f"{place}/{comment['id']}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_yours")
        assert bob.delete(f"{place}/{second['id']}").status_code == 204
        assert bob.delete(f"{place}/{second['id']}").status_code == 404
        elsewhere = f"/api/comments/{repo.git('rev-parse', 'HEAD~1')}/{comment['id']}"
        assert ada.delete(elsewhere).status_code == 404
        assert show.client.delete(f"{place}/{comment['id']}").status_code == 204
        assert show.data(place) == []
    with signed_in(show, None) as nobody:
        made = nobody.post(place, json={"content": "x"})
        assert made.json()["data"]["author"] == "somebody"
        lied = nobody.post(place, json={"author": "operator", "content": "x"})
        assert lied.status_code == 403


@pytest.mark.parametrize("name", ["operator", "a\x1b[2J", "", "x" * 65, "a\nb"])
def test_names_that_nobody_has(shown: tuple[Showing, Repo], name: str) -> None:
    show, _ = shown
    with show.live.client() as client:
        response = client.post("/api/session", json={"token": show.live.token, "name": name})
        assert response.status_code == 422
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "body",
    [{}, {"content": ""}, {"content": "x" * 10_001}, {"content": 1}, {"content": "x", "y": 1}],
)
def test_comments_that_are_refused(shown: tuple[Showing, Repo], body: Any) -> None:
    show, repo = shown
    place = f"/api/comments/{repo.git('rev-parse', 'HEAD~2')}"
    assert show.client.post(place, json=body).status_code == 422
    assert show.client.post(f"/api/comments/{'0' * 40}", json={"content": "x"}).status_code == 404
    assert show.client.post("/api/comments/HEAD", json={"content": "x"}).status_code == 422
    foreign = {"Origin": "https://evil.example"}
    answer = show.client.post(place, json={"content": "x"}, headers=foreign)
    assert answer.status_code == 403
    with show.live.client() as stranger:
        assert stranger.post(place, json={"content": "x"}).status_code == 401
    assert show.data(place) == []


def test_comments_are_bounded(shown: tuple[Showing, Repo], monkeypatch: pytest.MonkeyPatch) -> None:
    show, repo = shown
    monkeypatch.setattr(notes_module, "PER_COMMIT", 2)
    place = f"/api/comments/{repo.git('rev-parse', 'HEAD~3')}"
    codes = [show.client.post(place, json={"content": "x"}).status_code for _ in range(3)]
    assert codes == [201, 201, 422]
    assert len(show.data(place)) == 2


def view(show: Showing, **more: Any) -> dict[str, Any]:
    (entry,) = show.data("/api/repos")
    filters = {"authors": ["Ada"], "branches": [], "date_from": "2024-01-01T00:00:00Z",
               "date_to": None}  # fmt: skip
    return {"repo": entry["id"], "view_mode": "commits", "filters": filters,
            "camera_position": [1.0, -2.5, 3e6], **more}  # fmt: skip


def test_views_come_back_as_they_were(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    sent = view(show, moment="2024-05-01T00:00:00Z", camera_target=[0.0, 0.0, 0.0])
    with signed_in(show, "Ada") as ada:
        made = ada.post("/api/views/share", json=sent)
    assert made.status_code == 201, made.text
    found = made.json()["data"]
    assert {key: found[key] for key in sent} == sent
    assert found["created_by"] == "Ada"
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", found["id"])
    assert show.data(f"/api/views/{found['id']}") == found
    other = show.client.post("/api/views/share", json=sent).json()["data"]
    assert other["id"] != found["id"]
    show.refused("/api/views/nothing", 404, "not_found")


@pytest.mark.parametrize(
    "more",
    [
        {"repo": "../x"}, {"view_mode": "x"}, {"camera_position": [1, 2]}, {"filters": None},
        {"camera_position": [1, 2, "x"]}, {"filters": {"authors": ["x"] * 201}}, {"y": 1},
    ],
)  # fmt: skip
def test_views_that_are_refused(shown: tuple[Showing, Repo], more: dict[str, Any]) -> None:
    show, _ = shown
    assert show.client.post("/api/views/share", json=view(show, **more)).status_code == 422


def test_a_view_of_what_is_not_in_the_list(shown: tuple[Showing, Repo]) -> None:
    show, _ = shown
    sent = view(show, repo="0123456789abcdef")
    assert show.client.post("/api/views/share", json=sent).status_code == 404


def test_notes_last(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "notes")
    made = notes.comment("r", "s", "Ada", "x")
    id_, _ = notes.share({"a": 1})
    notes.close()
    again = Notes(tmp_path / "notes")
    assert again.comments("r", "s") == [made]
    assert again.view(id_)[0] == {"a": 1}
    again.close()
    assert (tmp_path / "notes" / NAME).stat().st_mode & 0o777 == 0o600


def test_damaged_notes_are_not_begun_anew(tmp_path: Path) -> None:
    Notes(tmp_path / "notes").close()
    path = tmp_path / "notes" / NAME
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(RepoError, match="cannot be used"):
        Notes(tmp_path / "notes")
    assert path.read_bytes().startswith(b"no database")
