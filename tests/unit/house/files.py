# SPDX-License-Identifier: Apache-2.0
"""What the repository holds: tracked files, their text, and what Markdown says."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

#: Made by programs, or taken over word for word: their form is not ours to judge.
GENERATED = re.compile(r"(^|/)(package-lock\.json|LICENSE)$|^requirements/.*\.txt$|\.lock$")


@cache
def tracked() -> tuple[str, ...]:
    """Paths of the regular files that git keeps and that are there, relative to the repository."""
    done = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z"],
        capture_output=True,
        check=True,
    )
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return tuple(n for n in names if (ROOT / n).is_file() and not (ROOT / n).is_symlink())


@cache
def texts() -> dict[str, str]:
    """Tracked files that hold text, by path."""
    found: dict[str, str] = {}
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" not in data:
            found[name] = data.decode("utf-8")
    return found


def written() -> dict[str, str]:
    """Texts that a person writes."""
    return {name: text for name, text in texts().items() if not GENERATED.search(name)}


def markdown() -> dict[str, str]:
    """Markdown files by path."""
    return {name: text for name, text in texts().items() if name.endswith(".md")}


def without_blocks(text: str) -> str:
    """Markdown without fenced blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def without_code(text: str) -> str:
    """Markdown without fenced blocks and without code in lines."""
    return re.sub(r"`[^`\n]*`", "", without_blocks(text))


def anchors(text: str) -> set[str]:
    """Anchors of the headings of a Markdown text, as GitHub makes them."""
    found: set[str] = set()
    for title in re.findall(r"^#+ +(.+?) *#*$", without_blocks(text), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title.replace("`", ""))
        name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = 0
        while (anchor := name if number == 0 else f"{name}-{number}") in found:
            number += 1
        found.add(anchor)
    return found


def code(text: str) -> list[str]:
    """What a Markdown text shows as code: each line of fenced blocks, and code in lines."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", without_blocks(text))
