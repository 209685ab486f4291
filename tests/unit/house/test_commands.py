# SPDX-License-Identifier: Apache-2.0
"""Targets, variables and needs are those that the builder has."""

from __future__ import annotations

import re

from builder import cli, preflight, settings

from tests.unit.house import files

MAKE = re.compile(r"(?:^|[\s(])make ((?:[a-z-]+|[A-Z_]+=\S*)(?: [A-Z_]+=\S*)*)")


def unknown(text: str) -> list[str]:
    """Targets and variables of make that the code in a document names and that do not exist."""
    wrong = []
    for piece in files.code(text):
        for words in MAKE.findall(piece):
            for word in words.split():
                name, sign, _ = word.partition("=")
                if name not in (settings.HELP if sign else cli.TARGETS):
                    wrong.append(word)
    return wrong


def test_documents_name_commands_that_exist() -> None:
    assert {p: found for p, text in files.markdown().items() if (found := unknown(text))} == {}


def test_messages_name_commands_that_exist() -> None:
    """In comments and in what programs print, a command stands between backquotes."""
    judged = {p: t for p, t in files.written().items() if not p.startswith("tests/unit/")}
    named = {(p, name) for p, t in judged.items() for name in re.findall(r"`make ([a-z-]+)[ `]", t)}
    assert sorted((p, name) for p, name in named if name not in cli.TARGETS) == []


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert unknown("```\nmake nothing\n```\nand `make run COLOUR=red`") == ["nothing", "COLOUR=red"]
    assert unknown("`make run PORT=1`, make nothing of it") == []


def test_makefile_has_the_builders_targets() -> None:
    line = re.search(r"^TARGETS := (.+)$", files.texts()["Makefile"], re.MULTILINE)
    assert line is not None
    assert {*line[1].split(), "help"} == set(cli.TARGETS)


def test_operating_names_every_target_and_variable() -> None:
    pieces = " ".join(files.code(files.markdown()["docs/operating.md"]))
    assert [name for name in cli.TARGETS if f"make {name}" not in pieces] == []
    assert [name for name in settings.HELP if name not in pieces] == []


def test_readme_names_the_needs() -> None:
    text = files.markdown()["README.md"]
    assert f"{preflight.DISK_GIB} GiB of free disk" in text
    assert f"{preflight.MEMORY_MIB / 1024:g} GiB of free memory" in text
    assert f"Debian {' or '.join(sorted(preflight.SUPPORTED))}" in text
    packages = " and ".join(f"`{name}`" for name in preflight.HOST_PACKAGES.values())
    assert packages in " ".join(text.split())


def test_refusals_that_operating_explains_exist() -> None:
    """The table quotes the builder; "…" stands for what differs from case to case."""
    table = files.markdown()["docs/operating.md"].partition("| it says | do |")[2]
    sentences = re.findall(r"^\| ([^|\n]+?) \|", table.partition("\n\n")[0], re.MULTILINE)
    sources = [t for p, t in files.texts().items() if p.startswith("images/builder/")]
    assert len(sentences) > 5
    missing = []
    for sentence in sentences:
        if sentence.startswith("---"):
            continue
        parts = [re.escape(part) for part in sentence.split("…")]
        if not any(re.search(r"\{.*?\}".join(parts), text) for text in sources):
            missing.append(sentence)
    assert missing == []
