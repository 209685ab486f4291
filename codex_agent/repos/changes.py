# SPDX-License-Identifier: Apache-2.0
"""What ``git diff-tree --stdin -z`` says, taken apart.

Names come between NULs and can be anything else: what a word means is told by where it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.repos.blocks import BINARY
from codex_agent.repos.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: status, path
Listed = tuple[bytes, bytes]
#: status, path, path before a rename or b"", lines added, lines deleted, mode
Counted = tuple[bytes, bytes, bytes, int, int, bytes]

COMMON = ("diff-tree", "--stdin", "-r", "--root", "--always", "-z", "--no-color", "--no-ext-diff")
NAMES = (*COMMON, "--name-status", "--no-renames", "--no-textconv")
COUNTS = (*COMMON, "--raw", "--numstat", "--no-abbrev", "-M", "--no-textconv")


def tokens(parts: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Yield the words of an output; DamagedError where the last one is cut."""
    rest = b""
    for part in parts:
        words = (rest + part).split(b"\0")
        rest = words.pop()
        yield words
    if rest:
        raise DamagedError("The list of changes ends in the middle of a name.", "git fsck")


def listed(parts: Iterator[bytes], id_digits: int) -> Iterator[tuple[bytes, list[Listed]]]:
    """Yield each commit with its files, as ``NAMES`` makes git say them."""
    oid, found = b"", []
    status = b""
    for words in tokens(parts):
        for word in words:
            if status:
                found.append((status, word))
                status = b""
            elif len(word) == id_digits:
                if oid:
                    yield oid, found
                oid, found = word, []
            else:
                status = word
    if oid:
        yield oid, found


def counted(parts: Iterator[bytes], id_digits: int) -> Iterator[tuple[bytes, list[Counted]]]:
    """Yield each commit with its files and lines, as ``COUNTS`` makes git say them.

    First come the entries of ``--raw``, then as many of ``--numstat``, in the same order.
    """
    words = (word for part in tokens(parts) for word in part)
    oid = b""
    raw: list[tuple[bytes, bytes, bytes, bytes]] = []
    done: list[Counted] = []
    for word in words:
        if len(word) == id_digits and len(done) == len(raw):
            if oid:
                yield oid, done
            oid, raw, done = word, [], []
        elif word[:1] == b":" and not done:
            fields = word.split(b" ")
            status = fields[4][:1]
            mode = fields[0][1:] if status == b"D" else fields[1]
            path = _next(words)
            if status in (b"R", b"C"):
                raw.append((status, _next(words), path, mode))
            else:
                raw.append((status, path, b"", mode))
        else:
            added, deleted, path = word.split(b"\t", 2)
            if not path:
                old, path = _next(words), _next(words)
            else:
                old = b""
            status, expected, before, mode = raw[len(done)]
            if (path, old) != (expected, before):
                raise DamagedError("Git tells files and lines in different orders.", "git fsck")
            counts = (BINARY, BINARY) if added == b"-" else (int(added), int(deleted))
            done.append((status, path, old, *counts, mode))
    if oid:
        if len(done) != len(raw):
            raise DamagedError("The list of changes ends in the middle of a commit.", "git fsck")
        yield oid, done


def _next(words: Iterator[bytes]) -> bytes:
    word = next(words, None)
    if word is None:
        raise DamagedError("The list of changes ends in the middle of a file.", "git fsck")
    return word
