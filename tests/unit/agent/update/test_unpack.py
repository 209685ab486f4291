# SPDX-License-Identifier: Apache-2.0
"""A packed root that holds more than was signed is not unpacked until the disk is full."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.program import Done
from codex_agent.update.unpack import unpack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PART = b"x" * 4096


class Program:
    """Unpacks to so many parts."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self.given = 0

    def __call__(self, argv: Sequence[str], **options: Any) -> Done:
        assert argv[0] == "zstd"
        for _part in range(self.parts):
            self.given += 1
            options["on_data"](PART)
        return Done(0, "", "")


def run(program: Program, folder: Path, parts: int) -> Path:
    target = folder / "root.erofs"
    content = PART * parts
    unpack(
        program, folder / "root.raw.zst", target, len(content), hashlib.sha256(content).hexdigest(),
        tell=lambda _name, _done, _total: None,
    )  # fmt: skip
    return target


def test_what_was_signed(tmp_path: Path) -> None:
    assert run(Program(3), tmp_path, 3).read_bytes() == PART * 3


def test_the_first_byte_too_many_ends_it(tmp_path: Path) -> None:
    program = Program(1000)
    with pytest.raises(UpdateError, match="it holds more than was signed") as caught:
        run(program, tmp_path, 3)
    assert caught.value.kind is Exit.DIFFERENT
    assert program.given == 4
    assert list(tmp_path.iterdir()) == []
