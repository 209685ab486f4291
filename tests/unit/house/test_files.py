# SPDX-License-Identifier: Apache-2.0
"""Every file says its licence, is of one form, and holds one idea."""

from __future__ import annotations

import re
from pathlib import PurePath

from tests.unit.house import files

LINES_MAX = 400
#: Formats without comments, and files of a few words for other programs.
NO_HEADER = re.compile(r"\.(json|svg)$|(^|/)\.(gitignore|npmrc|prettierignore)$|^requirements/")
#: What must stand before everything else in a program or a page.
FIRST = ("#!", "<!doctype html>")


def licence_of(path: str) -> str:
    """The licence of a file by the folder that it lies in."""
    if "/include/uapi/" in path:
        # Programs under any licence include these headers.
        return "GPL-2.0-only WITH Linux-syscall-note"
    ours = path.startswith(("kernel/", "tests/molecule/roles/gpu_stand_in/files/"))
    return "GPL-2.0-only" if ours else "Apache-2.0"


def has_header(text: str, licence: str) -> bool:
    """Whether the licence is named in the first line that can name it."""
    lines = text.splitlines()[:2]
    if lines and lines[0].startswith(FIRST):
        lines = lines[1:]
    expected = rf"\W*SPDX-License-Identifier: {re.escape(licence)}\W*"
    return bool(lines) and re.fullmatch(expected, lines[0].strip()) is not None


def blemishes(text: str) -> list[str]:
    """What differs from the form that .editorconfig asks for."""
    found = [f"line {n}" for n, line in enumerate(text.splitlines(), 1) if line != line.rstrip()]
    if "\r" in text:
        found.append("lines do not end in LF")
    if text and not text.endswith("\n"):
        found.append("the last line has no end")
    return found


def test_licence_is_named_first() -> None:
    judged = {p: t for p, t in files.written().items() if not NO_HEADER.search(p)}
    assert [p for p, text in judged.items() if not has_header(text, licence_of(p))] == []


def test_a_missing_or_wrong_licence_would_be_found() -> None:
    assert not has_header("import os\n# SPDX-License-Identifier: Apache-2.0\n", "Apache-2.0")
    assert not has_header("# SPDX-License-Identifier: MIT\n", "Apache-2.0")
    assert not has_header("", "Apache-2.0")
    assert has_header("#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n", "Apache-2.0")
    assert has_header("<!-- SPDX-License-Identifier: Apache-2.0 -->\n# T\n", "Apache-2.0")


def test_one_idea_a_file() -> None:
    judged = {
        p: t for p, t in files.written().items() if PurePath(p).suffix not in {".md", ".json"}
    }
    long = {p: n for p, t in judged.items() if (n := len(t.splitlines())) > LINES_MAX}
    assert long == {}, "divide them"


def test_form_is_that_of_editorconfig() -> None:
    assert {p: found for p, t in files.written().items() if (found := blemishes(t))} == {}


def test_a_blemish_would_be_found() -> None:
    assert blemishes("a \nb\n") == ["line 1"]
    assert blemishes("a\r\n") != []
    assert blemishes("a") == ["the last line has no end"]


def test_whole_licences_are_there() -> None:
    assert "TERMS AND CONDITIONS FOR USE, REPRODUCTION" in files.texts()["LICENSE"]
    assert "GNU GENERAL PUBLIC LICENSE" in files.texts()["kernel/LICENSE"]
