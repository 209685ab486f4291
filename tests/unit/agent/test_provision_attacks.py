# SPDX-License-Identifier: Apache-2.0
"""Provisioning under attack: interrupted anywhere, wrong modes, damaged and foreign files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.errors import CodexError
from codex_agent.provision import authority
from codex_agent.provision.run import Places, places
from tests.unit.agent.provisioned import assert_good, contents, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.agent.trees import Tree


class Killed(BaseException):
    """The power goes."""


STEPS = ["open", "write", "fchmod", "fsync", "rename", "mkdir", "chmod"]


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int, where: Places) -> Callable[[], int]:
    """Let the process die at the ``at``-th step that changes the disk; count them all."""
    count = 0

    def hook(real: Callable[..., Any], here: Callable[[Any], bool]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            if here(arguments):
                count += 1
                if count == at:
                    raise Killed
            return real(*arguments, **named)

        return step

    def ours(arguments: Any) -> bool:
        return str(where.state) in str(arguments[0])

    def writing(arguments: Any) -> bool:
        return ours(arguments) and bool(arguments[1] & os.O_CREAT)

    def always(_arguments: Any) -> bool:
        return True

    monkeypatch.setattr(os, "open", hook(os.open, writing))
    monkeypatch.setattr(os, "fchmod", hook(os.fchmod, always))
    monkeypatch.setattr(os, "fsync", hook(os.fsync, always))
    monkeypatch.setattr(Path, "rename", hook(Path.rename, ours))
    monkeypatch.setattr(Path, "mkdir", hook(Path.mkdir, ours))
    monkeypatch.setattr(Path, "chmod", hook(Path.chmod, ours))
    # What dies cannot clean up after itself.
    monkeypatch.setattr(Path, "unlink", hook(lambda *_: None, ours))
    return lambda: count


@pytest.mark.parametrize("days", [0, 61])
def test_killed_at_every_step(host: Tree, tmp_path: Path, days: int) -> None:
    """After any interruption the next run ends with all in order and trusts no half file."""
    at = 1
    while True:
        where = places(str(tmp_path / f"{days}-{at}"))
        if days:
            run(host, where)
        with pytest.MonkeyPatch.context() as patch:
            interrupt(patch, at, where)
            try:
                run(host, where, days=days)
                survived = True
            except Killed:
                survived = False
        if survived:
            break
        kept = (where.ca / "ca.crt").read_bytes() if (where.ca / "ca.crt").exists() else None
        run(host, where, days=days)
        assert_good(where)
        # An authority that somebody may already trust is not thrown away.
        assert kept is None or (where.ca / "ca.crt").read_bytes() == kept
        at += 1
    assert at > (20 if days == 0 else 4)


def test_full_disk_is_told_and_leaves_nothing(
    host: Tree, where: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(host, where)
    before = contents(where)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CodexError, match=r"server.crt cannot be written: no space left on device"):
        run(host, where, days=61)
    assert contents(where) == before


@pytest.mark.parametrize(
    ("name", "mode", "hint"),
    [
        ("ca/ca.key", 0o644, "chmod 0600"),
        ("agent/server.key", 0o640, "chmod 0600"),
        ("agent/token", 0o604, "chmod 0600"),
        ("ca", 0o755, "chmod 0700"),
        ("agent", 0o750, "chmod 0700"),
        (".", 0o777, "chmod 0755"),
    ],
)
def test_wrong_modes_are_refused(
    host: Tree, where: Places, name: str, mode: int, hint: str
) -> None:
    run(host, where)
    before = contents(where)
    path = where.state / name
    path.chmod(mode)
    with pytest.raises(CodexError, match=f"has mode {mode:04o}") as caught:
        run(host, where)
    assert hint in str(caught.value.hint)
    assert str(path) in caught.value.message
    assert contents(where) == before


def test_links_and_foreign_things_are_refused(host: Tree, where: Places, tmp_path: Path) -> None:
    run(host, where)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("x" * 40)
    (where.agent / "token").unlink()
    (where.agent / "token").symlink_to(elsewhere)
    with pytest.raises(CodexError, match="token cannot be read"):
        run(host, where)
    assert elsewhere.read_text() == "x" * 40
    (where.agent / "token").unlink()
    (where.agent / "token").mkdir()
    with pytest.raises(CodexError, match="token"):
        run(host, where)


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
@pytest.mark.parametrize("name", ["ca/ca.key", "ca/ca.crt"])
def test_a_damaged_authority_is_never_replaced(
    host: Tree, where: Places, name: str, content: bytes
) -> None:
    run(host, where)
    (where.state / name).write_bytes(content)
    before = contents(where)
    with pytest.raises(CodexError, match="is not a valid") as caught:
        run(host, where)
    assert "remove it and its pair" in str(caught.value.hint)
    assert contents(where) == before


def test_an_authority_of_another_key_is_refused(host: Tree, where: Places) -> None:
    run(host, where)
    other = authority.key_pem(authority.new_key())
    (where.ca / "ca.key").write_bytes(other)
    with pytest.raises(CodexError, match="not about the key beside it"):
        run(host, where)


@pytest.mark.parametrize("content", [b"", b"garbage", None])
@pytest.mark.parametrize("name", ["agent/server.crt", "agent/server.key"])
def test_a_damaged_leaf_is_made_anew(
    host: Tree, where: Places, name: str, content: bytes | None
) -> None:
    run(host, where)
    if content is None:
        (where.state / name).unlink()
    else:
        (where.state / name).write_bytes(content)
    assert run(host, where).changes
    assert_good(where)


def test_a_leaf_of_another_authority_is_made_anew(
    host: Tree, where: Places, tmp_path: Path
) -> None:
    run(host, where)
    other = places(str(tmp_path / "other"))
    run(host, other)
    (where.agent / "server.crt").write_bytes((other.agent / "server.crt").read_bytes())
    assert any("another" in change for change in run(host, where).changes)
    assert_good(where)
