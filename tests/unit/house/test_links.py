# SPDX-License-Identifier: Apache-2.0
"""What the documents and comments point to is there."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from posixpath import normpath

from tests.unit.house import files

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
#: A document or a suite as comments and messages name it.
NAMED = re.compile(r"(?<![\w./-])((?:docs|tests)/[\w./-]+\.(?:md|py|toml))")


def broken(path: str, text: str) -> list[str]:
    """Links of a Markdown file that lead nowhere inside the repository."""
    wrong = []
    for target in LINK.findall(files.without_code(text)):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        where = normpath(str(PurePosixPath(path).parent / place)) if place else path
        there = (files.ROOT / where).exists()
        if there and anchor:
            there = anchor in files.anchors((files.ROOT / where).read_text("utf-8"))
        if not there:
            wrong.append(target)
    return wrong


def test_links_resolve() -> None:
    assert {p: found for p, t in files.markdown().items() if (found := broken(p, t))} == {}


def test_a_broken_link_would_be_found() -> None:
    assert broken("README.md", "[a](docs/nothing.md)") == ["docs/nothing.md"]
    assert broken("README.md", "[a](docs/operating.md#nowhere)") == ["docs/operating.md#nowhere"]
    assert broken("docs/x.md", "[a](operating.md#locks) `[b](c)`") == []


def test_files_that_are_named_exist() -> None:
    judged = {p: t for p, t in files.written().items() if not p.startswith("tests/unit/")}
    named = {(p, name) for p, text in judged.items() for name in NAMED.findall(text)}
    assert sorted((p, name) for p, name in named if not (files.ROOT / name).exists()) == []


def test_every_decision_is_listed() -> None:
    listed = set(LINK.findall(files.markdown()["docs/decisions/README.md"]))
    names = {PurePosixPath(p).name for p in files.markdown() if p.startswith("docs/decisions/0")}
    assert names == listed
    assert [int(name[:4]) for name in sorted(names)] == list(range(1, len(names) + 1))
