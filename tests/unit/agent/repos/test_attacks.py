# SPDX-License-Identifier: Apache-2.0
"""Repositories that want to run a program, to lead out of their root, or never to end."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, get_args

import pytest

from codex_agent.repos import questions, search
from codex_agent.repos.errors import DamagedError, NotAllowedError, RepoError, UnsupportedError
from tests.unit.agent.repos import truth
from tests.unit.agent.repos.made import Repo, branched, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.agent.repos.conftest import Opener

HOOKS = (
    "post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc", "post-rewrite",
    "fsmonitor-watchman", "proc-receive",
)  # fmt: skip


def armed(repo: Repo, flag: Path) -> None:
    """Let everything that git can be told to run leave a trace."""
    program = flag.parent / "trap"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {flag}\ncat\n')
    program.chmod(0o755)
    for name in HOOKS:
        hook = repo.path / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_bytes(program.read_bytes())
        hook.chmod(0o755)
    keys = {
        "core.fsmonitor": str(program), "core.pager": str(program), "core.editor": str(program),
        "core.sshCommand": str(program), "core.gitProxy": str(program),
        "core.alternateRefsCommand": str(program), "core.hooksPath": str(repo.path / ".git/hooks"),
        "diff.external": str(program), "diff.trap.command": str(program),
        "diff.trap.textconv": str(program), "filter.trap.smudge": str(program),
        "filter.trap.clean": str(program), "filter.trap.process": str(program),
        "credential.helper": str(program), "gpg.program": str(program), "log.showSignature": "true",
        "uploadpack.packObjectsHook": str(program), "alias.log": f"!{program}",
        "alias.diff-tree": f"!{program}", "remote.origin.url": f"ext::{program}",
        "extensions.partialClone": "origin", "remote.origin.promisor": "true",
        "remote.origin.vcs": "trap", "pager.log": str(program), "mailmap.file": "/etc/passwd",
        "core.attributesFile": str(repo.path / "attributes"), "core.askPass": str(program),
        "protocol.ext.allow": "always", "interactive.diffFilter": str(program),
    }  # fmt: skip
    for key, value in keys.items():
        repo.git("config", key, value)
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/attributes").write_text("* diff=trap filter=trap\n")


def test_nothing_of_a_repository_runs(repo: Repo, opening: Opener, tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    expected = truth.lines_of_git(repo)
    repo.commit("attributes", {".gitattributes": "* diff=trap filter=trap\n"})
    armed(repo, flag)
    flag.unlink(missing_ok=True)
    history = opening(repo.path)
    history.read_files()
    history.read_lines()
    history.write_commit_graph()
    tip = history.refs().table["HEAD"].commit or ""
    questions.patch(history.cache, tip)
    questions.blame(history.cache, tip, b"a.txt")
    questions.file_history(history.cache, tip, b"src/other.py", 10)
    for field in get_args(search.Field):
        search.search(history, field, "a.txt", 10)
    assert not flag.exists(), flag.read_text()
    ours = truth.lines_of_ours(history)
    assert {oid: ours[oid] for oid in expected} == expected


def test_the_trap_would_spring(repo: Repo, tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    armed(repo, flag)
    repo.git("diff", "HEAD~3", "HEAD")
    assert flag.exists()


@pytest.mark.parametrize("part", ["", ".git", ".git/objects", ".git/objects/pack", ".git/refs"])
def test_links_out_of_the_root_are_refused(
    part: str, repo: Repo, opening: Opener, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    place = repo.path / part
    place.rename(outside)
    place.symlink_to(outside)
    before = snapshot(outside)
    with pytest.raises(NotAllowedError):
        opening(repo.path)
    assert snapshot(outside) == before


def test_links_inside_of_the_root_are_followed(repo: Repo, opening: Opener, tmp_path: Path) -> None:
    link = tmp_path / "root" / "link"
    link.symlink_to(repo.path)
    assert opening(link).place.path == repo.path


@pytest.mark.parametrize("inner", ["objects/ab", "objects/pack/x.pack", "objects/ab/cdef"])
def test_a_linked_object_is_refused(
    inner: str, repo: Repo, opening: Opener, tmp_path: Path
) -> None:
    other = Repo(tmp_path / "secret")
    other.commit("secret", {"s": "s\n"})
    link = repo.path / ".git" / inner
    link.parent.mkdir(exist_ok=True, parents=True)
    link.symlink_to(other.path / ".git/objects")
    with pytest.raises(NotAllowedError, match="leads out"):
        opening(repo.path)


def test_borrowing_from_outside_is_refused(repo: Repo, opening: Opener, tmp_path: Path) -> None:
    other = Repo(tmp_path / "secret")
    oid = other.commit("secret", {"s": "s\n"})
    info = repo.path / ".git/objects/info/alternates"
    info.write_text(f"{other.path}/.git/objects\n")
    (repo.path / ".git/refs/heads/stolen").write_text(f"{oid}\n")
    with pytest.raises(NotAllowedError, match="borrows objects from"):
        opening(repo.path)


def test_borrowing_that_begins_after_the_check_brings_nothing(
    repo: Repo, opening: Opener, tmp_path: Path
) -> None:
    history = opening(repo.path)
    other = Repo(tmp_path / "secret")
    oid = other.commit("secret", {"s": "s\n"})
    (repo.path / ".git/objects/info/alternates").write_text(f"{other.path}/.git/objects\n")
    (repo.path / ".git/refs/heads/stolen").write_text(f"{oid}\n")
    assert history.live_refs().table["refs/heads/stolen"].commit is None
    with pytest.raises(DamagedError):
        history.cache.git.output(["cat-file", "commit", oid])


@pytest.mark.parametrize("name", ["dot", "common"])
def test_a_git_file_that_leads_out_is_refused(
    name: str, repo: Repo, opening: Opener, tmp_path: Path
) -> None:
    secret = branched(tmp_path / "secret")
    path = tmp_path / "root" / "liar"
    path.mkdir()
    if name == "dot":
        (path / ".git").write_text(f"gitdir: {secret.path}/.git\n")
    else:
        (path / "HEAD").write_text("ref: refs/heads/main\n")
        (path / "objects").mkdir()
        (path / "commondir").write_text(f"{secret.path}/.git\n")
    with pytest.raises(NotAllowedError):
        opening(path)


@pytest.mark.parametrize(
    "name", ["HEAD", "config", "shallow", "commondir", "objects/info/alternates"]
)
def test_a_pipe_in_place_of_a_file_is_not_waited_for(
    name: str, repo: Repo, opening: Opener
) -> None:
    path = repo.path / ".git" / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(NotAllowedError):
        opening(repo.path)
    assert stat.S_ISFIFO(path.lstat().st_mode)


@pytest.mark.parametrize(
    "config",
    [
        "[include]\n\tpath = /dev/zero\n",
        "[include]\n\tpath = fifo\n",
        "[core]\n\tworktree = /etc\n",
    ],
)
def test_what_a_configuration_includes_is_not_read(
    config: str, repo: Repo, opening: Opener
) -> None:
    os.mkfifo(repo.path / ".git/fifo")
    with (repo.path / ".git/config").open("a") as stream:
        stream.write(config)
    assert opening(repo.path).store.count > 0


def test_a_configuration_that_cannot_be_read_is_said(repo: Repo, opening: Opener) -> None:
    (repo.path / ".git/config").write_bytes(b"[core\n\0\xff")
    with pytest.raises(RepoError):
        opening(repo.path)
    (repo.path / ".git/config").write_bytes(b"#" * 2_000_000)
    with pytest.raises(DamagedError, match="longer than"):
        opening(repo.path)


def test_alternates_in_a_circle_end(tmp_path: Path, repo: Repo, opening: Opener) -> None:
    info = repo.path / ".git/objects/info"
    (info / "alternates").write_text(f"{info.parent}\n")
    with pytest.raises(UnsupportedError, match="borrowed over more than"):
        opening(repo.path)


NAMES = (
    b"tab\tin it", b"line\nin it", b'"quoted"', b"<script>alert(1)</script>", b"\x1b[31mred",
    b"\xff\xfe no utf8", b"-rf", b":100644 100644 x", b"--output=x", b"a" * 255,
    b"f" * 40, b"1\t2\tthree", " ‮gnp.exe".encode(), b"\x01", b"*", b":(glob)**",
)  # fmt: skip


def test_hostile_names_come_through(tmp_path: Path, opening: Opener) -> None:
    repo = Repo(tmp_path / "root/hostile")
    for name in NAMES:
        repo.put(name, "1\n")
    long = b"/".join([b"d" * 250] * 15) + b"/" + b"f" * 240
    blob = repo.git("hash-object", "-w", "--stdin", given=b"x\n")
    repo.commit("<b>&\x1b[2J\x07 \u202e")
    entry = f"100644 {blob}\t".encode() + long + b"\0"
    repo.git("update-index", "-z", "--index-info", given=entry)
    repo.git("commit", "-q", "-m", "deep")
    repo.git("update-index", "-z", "--index-info",
             given=b"0 " + b"0" * 40 + b"\t" + long + b"\0")  # fmt: skip
    repo.git("mv", "--", "<script>alert(1)<", "moved")
    repo.git("commit", "-q", "-m", "renamed") if repo.git(
        "diff", "--cached", "--name-only"
    ) else None
    history = opening(repo.path)
    history.read_files()
    history.read_lines()
    assert truth.names_of_ours(history) == truth.names_of_git(repo)
    assert truth.lines_of_ours(history) == truth.lines_of_git(repo)
    paths = history.store.paths()
    assert long in paths
    assert set(NAMES) - {b"<script>alert(1)</script>"} <= set(paths)


def test_broken_commits_have_no_time_rather_than_an_invented_one(
    tmp_path: Path, opening: Opener
) -> None:
    repo = Repo(tmp_path / "root/broken")
    repo.commit("fine", {"a": "1\n"})
    tree = repo.git("rev-parse", "HEAD^{tree}")
    parent = repo.git("rev-parse", "HEAD")
    text = f"tree {tree}\nparent {parent}\nauthor nobody\ncommitter \n\nno times\n".encode()
    oid = repo.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", given=text)
    (repo.path / ".git/refs/heads/main").write_text(f"{oid}\n")
    from codex_agent.repos.commits import pages

    found = pages(opening(repo.path), 10).commits
    assert (found[0].oid, found[0].time, found[0].authored) == (oid, None, None)
    assert found[1].time is not None


def judged(path: Path, opening: Opener) -> str | None:
    """What is said of a damaged repository, by whichever pass meets the damage first."""
    try:
        history = opening(path)
        found = history.read_lines()
    except DamagedError as error:
        return error.message
    return found.reason or next(iter(history.store.skipped("lines").values()), None)


@pytest.mark.parametrize("kind", ["pack", "loose"])
def test_damaged_objects_are_said_and_the_rest_is_read(
    kind: str, repo: Repo, opening: Opener
) -> None:
    blob = repo.git("rev-parse", "HEAD~2:a.txt")
    if kind == "pack":
        repo.git("gc", "-q")
        pack = next((repo.path / ".git/objects/pack").glob("*.pack"))
        pack.chmod(0o600)
        content = bytearray(pack.read_bytes())
        content[len(content) // 2 : len(content) // 2 + 200] = b"\xff" * 200
        pack.write_bytes(content)
        said = judged(repo.path, opening)
        assert said is not None
        assert "Git cannot read it" in said
        return
    path = repo.path / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(b"garbage")
    history = opening(repo.path)
    found = history.read_lines()
    assert found.done == found.total
    assert found.failed >= 1
    assert all("Git cannot read it" in reason for reason in history.store.skipped("lines").values())


def test_a_missing_commit_is_said(repo: Repo, opening: Opener) -> None:
    oid = repo.git("rev-parse", "HEAD~2")
    (repo.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(DamagedError):
        opening(repo.path)


@pytest.mark.parametrize("part", ["objects", "objects/pack", "refs"])
def test_a_directory_that_is_swapped_later_is_refused_at_the_next_look(
    part: str, repo: Repo, opening: Opener, tmp_path: Path
) -> None:
    history = opening(repo.path)
    count = history.store.count
    place, outside = repo.path / ".git" / part, tmp_path / "outside"
    place.rename(outside)
    place.symlink_to(outside)
    with pytest.raises(NotAllowedError):
        history.update()
    assert history.store.count == count
    place.unlink()
    outside.rename(place)
    repo.commit("more", {"m": "1\n"})
    assert history.update().count == 1


def test_many_refs_of_no_commit_are_no_tips(repo: Repo, opening: Opener) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", given=b"blob")
    repo.git("tag", "of-a-blob", blob)
    repo.git("tag", "of-a-tree", "HEAD^{tree}")
    repo.git("tag", "-a", "-m", "x", "of-a-tag", "v1")
    (repo.path / ".git/refs/heads/broken").write_text("f" * 40 + "\n")
    (repo.path / ".git/refs/heads/garbage").write_bytes(b"\xff\n")
    history = opening(repo.path)
    table = history.refs().table
    assert table["refs/tags/of-a-blob"].commit is None
    assert table["refs/tags/of-a-tree"].commit is None
    assert table["refs/tags/of-a-tag"].commit == table["refs/tags/v1"].commit
    assert "refs/heads/broken" not in table or table["refs/heads/broken"].commit is None
    assert history.store.count == len(repo.git("rev-list", "HEAD", "v1", "side").split())
