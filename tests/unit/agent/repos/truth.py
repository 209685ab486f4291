# SPDX-License-Identifier: Apache-2.0
"""What git says of a history, and what ours says, in one shape to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.repos.blocks import BINARY, NONE

if TYPE_CHECKING:
    from codex_agent.repos.blocks import Commits
    from codex_agent.repos.history import History
    from tests.unit.agent.repos.made import Repo

Counts = dict[str, list[tuple[str, ...]]]


def commits_of(history: History, number: int) -> Commits:
    """The block of commits that holds one."""
    first = history.store.holding("commits", number)
    assert first is not None
    block: Commits = history.store.block("commits", first)
    return block


def commits_of_git(repo: Repo) -> dict[str, tuple[str, ...]]:
    said = repo.git("log", "--branches", "--remotes", "--tags", "HEAD", "-z",
                    "--format=%H%x01%P%x01%an%x01%ae%x01%ct%x01%at%x01%s")  # fmt: skip
    rows = [row.split("\x01") for row in said.split("\0") if row]
    return {row[0]: tuple(row[1:]) for row in rows}


def commits_of_ours(history: History) -> dict[str, tuple[str, ...]]:
    authors = history.store.authors()
    marks = history.marks()
    found: dict[str, tuple[str, ...]] = {}
    whole = list(history.store.each("commits"))
    oid = {b.first + at: b.oid(b.first + at).hex() for b in whole for at in range(len(b))}
    for block in whole:
        for at in range(len(block)):
            number = block.first + at
            if marks is not None and marks.branch[number] == NONE:
                continue
            name, email = (text.decode() for text in authors[block.author[at]])
            parents = " ".join(oid[parent] for parent in block.parents_of(number))
            found[oid[number]] = (
                parents, name, email, str(block.time[at]), str(block.authored[at]),
                block.subject[at].decode(),
            )  # fmt: skip
    return found


def lines_of_git(repo: Repo) -> Counts:
    """What ``git log --numstat -M`` says: added, deleted, path, old path."""
    words = repo.git("log", "--branches", "--remotes", "--tags", "HEAD", "--numstat", "-M", "-z",
                     "--format=%x01%H").split("\0")  # fmt: skip
    found: Counts = {}
    at, oid = 0, ""
    while at < len(words):
        word = words[at].lstrip("\n")
        at += 1
        if word.startswith("\x01"):
            oid = word[1:41] if len(word) < 60 else word[1:65]
            found[oid] = []
        elif word:
            added, deleted, path = word.split("\t", 2)
            if path:
                found[oid].append((added, deleted, path, ""))
            else:
                found[oid].append((added, deleted, words[at + 1], words[at]))
                at += 2
    return found


def lines_of_ours(history: History) -> Counts:
    paths = [path.decode("utf-8", "surrogateescape") for path in history.store.paths()]
    found: Counts = {}
    for block in history.store.each("lines"):
        for number, _, start, end in block.each():
            rows = []
            for at in range(start, end):
                old = block.old[at]
                counts = [
                    "-" if n == BINARY else str(n) for n in (block.added[at], block.deleted[at])
                ]
                rows.append((*counts, paths[block.path[at]], "" if old == NONE else paths[old]))
            found[commits_of(history, number).oid(number).hex()] = rows
    return found


def names_of_git(repo: Repo) -> dict[str, list[tuple[str, str]]]:
    """Status and path of every change, without renames."""
    words = repo.git("log", "--branches", "--remotes", "--tags", "HEAD", "--name-status",
                     "--no-renames", "-z", "--format=%x01%H").split("\0")  # fmt: skip
    found: dict[str, list[tuple[str, str]]] = {}
    at, oid = 0, ""
    while at < len(words):
        word = words[at].lstrip("\n")
        at += 1
        if word.startswith("\x01"):
            oid = word[1:]
            found[oid] = []
        elif word:
            found[oid].append((word, words[at]))
            at += 1
    return found


def names_of_ours(history: History) -> dict[str, list[tuple[str, str]]]:
    paths = [path.decode("utf-8", "surrogateescape") for path in history.store.paths()]
    found = {}
    for block in history.store.each("files"):
        for number, _, start, end in block.each():
            found[commits_of(history, number).oid(number).hex()] = [
                (chr(block.status[at]), paths[block.path[at]]) for at in range(start, end)
            ]
    return found
