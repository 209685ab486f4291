# SPDX-License-Identifier: Apache-2.0
"""The list of allowed repositories: ids in, paths never."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.errors import CodexError
from codex_agent.repos.allow import NAME, AllowList
from codex_agent.repos.errors import (
    GoneError,
    NotAllowedError,
    QuestionError,
    RepoError,
    UnsupportedError,
)
from tests.unit.agent.repos.made import Repo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def allowed(tmp_path: Path) -> AllowList:
    (tmp_path / "root").mkdir(exist_ok=True)
    return AllowList(tmp_path / "list", [tmp_path / "root"])


def test_a_repository_is_added_found_and_removed(allowed: AllowList, repo: Repo) -> None:
    entry = allowed.add(repo.path)
    assert allowed.entries() == [entry]
    assert allowed.find(entry.id) == entry
    assert entry.name == "repo"
    assert allowed.add(repo.path, "other name").id == entry.id
    assert [e.name for e in allowed.entries()] == ["other name"]
    assert allowed.remove(entry.id).id == entry.id
    assert allowed.entries() == []
    with pytest.raises(NotAllowedError):
        allowed.remove(entry.id)


@pytest.mark.parametrize(
    "id_", ["", "..", "/etc", "repo", "0" * 15, "0" * 16, "A" * 16, "0" * 17, "é" * 16, "\0" * 16]
)
def test_what_is_no_id_of_the_list_is_refused(allowed: AllowList, repo: Repo, id_: str) -> None:
    allowed.add(repo.path)
    with pytest.raises(NotAllowedError, match="There is no repository"):
        allowed.find(id_)


def test_what_cannot_be_allowed_leaves_the_list_as_it_was(
    allowed: AllowList, repo: Repo, tmp_path: Path
) -> None:
    entry = allowed.add(repo.path)
    before = (tmp_path / "list" / NAME).read_bytes()
    outside = Repo(tmp_path / "outside")
    link = tmp_path / "root" / "link"
    link.symlink_to(outside.path)
    (tmp_path / "root" / "plain").mkdir()
    second = Repo(tmp_path / "root" / "second")
    for path, name, error in (
        (outside.path, None, NotAllowedError), (link, None, NotAllowedError),
        (tmp_path / "root" / ".." / "outside", None, NotAllowedError),
        (tmp_path / "root" / "plain", None, UnsupportedError),
        (tmp_path / "root" / "none", None, GoneError),
        (second.path, "repo", QuestionError), (second.path, "", QuestionError),
        (second.path, "a\x1b[2J", QuestionError), (second.path, "x" * 101, QuestionError),
    ):  # fmt: skip
        with pytest.raises(error):
            allowed.add(path, name)
    assert (tmp_path / "list" / NAME).read_bytes() == before
    assert allowed.entries() == [entry]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"schema": 2, "repositories": []}', b'{"schema": 1}', b"\xff",
     b'{"schema": 1, "repositories": [{"id": "0", "path": "/etc", "name": "x"}]}',
     b'{"schema": 1, "repositories": [{"id": "0"}]}', b"[" * 100_000],
)  # fmt: skip
def test_a_list_that_is_not_in_order_allows_nothing(
    allowed: AllowList, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "list" / NAME
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises((RepoError, CodexError)):
        allowed.entries()


def test_a_list_that_others_may_write_is_refused(
    allowed: AllowList, repo: Repo, tmp_path: Path
) -> None:
    allowed.add(repo.path)
    (tmp_path / "list" / NAME).chmod(0o666)
    with pytest.raises(CodexError, match="mode"):
        allowed.entries()
