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
            raw.append(_entry(word, words))
        else:
            added, deleted, path, old = _numbers(word, words)
            if len(done) == len(raw) or raw[len(done)][1:3] != (path, old):
                raise DamagedError("Git tells files and lines in different orders.", "git fsck")
            status, _, _, mode = raw[len(done)]
            done.append((status, path, old, added, deleted, mode))
    if len(done) != len(raw):
        raise DamagedError("The list of changes ends in the middle of a commit.", "git fsck")
    if oid:
        yield oid, done


def _entry(word: bytes, words: Iterator[bytes]) -> tuple[bytes, bytes, bytes, bytes]:
    """Read an entry of ``--raw``: status, path, path before, mode."""
    fields = word.split(b" ")
    if len(fields) != 5 or not fields[4]:
        raise DamagedError("Git tells a change that is not understood.", "git fsck")
    status = fields[4][:1]
    mode = fields[0][1:] if status == b"D" else fields[1]
    path = _next(words)
    if status in (b"R", b"C"):
        return status, _next(words), path, mode
    return status, path, b"", mode


def _numbers(word: bytes, words: Iterator[bytes]) -> tuple[int, int, bytes, bytes]:
    """Read an entry of ``--numstat``: lines added, lines deleted, path, path before."""
    fields = word.split(b"\t", 2)
    if len(fields) != 3 or not all(part == b"-" or part.isdigit() for part in fields[:2]):
        raise DamagedError("Git tells a number of lines that is none.", "git fsck")
    path, old = fields[2], b""
    if not path:
        old, path = _next(words), _next(words)
    if b"-" in fields[:2]:
        return BINARY, BINARY, path, old
    return int(fields[0]), int(fields[1]), path, old


def _next(words: Iterator[bytes]) -> bytes:
    word = next(words, None)
    if word is None:
        raise DamagedError("The list of changes ends in the middle of a file.", "git fsck")
    return word
