# SPDX-License-Identifier: Apache-2.0
"""Progress of long work: one line that changes on a terminal, a line every tenth elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from codex_agent.cli.rows import size
from codex_agent.problem import shown

if TYPE_CHECKING:
    from typing import TextIO

_PAUSE_S = 0.2
_STEP = 10  # per cent
_COUNTED = 100_000  # below this a total is a count or per cent, not bytes


class Progress:
    """Tells how far each piece of work is; ``quiet`` tells nothing."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._terminal = stream.isatty()
        self._name = ""
        self._told = -1
        self._when = 0.0
        self._open = False

    def tell(self, name: str, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` is here."""
        if self._quiet or total <= 0:
            return
        part = min(done * 100 // total, 100)
        if name != self._name:
            self._end()
            self._name, self._told = name, -1
        now = time.monotonic()
        ended = done >= total
        if self._terminal:
            if not ended and now - self._when < _PAUSE_S:
                return
            self._stream.write(f"\r\x1b[K{self._line(part, done, total)}")
            self._open = True
            if ended:
                self._end()
        elif self._told < 0 or part // _STEP > self._told // _STEP:
            self._stream.write(f"{self._line(part, done, total)}\n")
        self._told, self._when = part, now
        self._stream.flush()

    def _line(self, part: int, done: int, total: int) -> str:
        amount = f"{size(done)} of {size(total)}" if total >= _COUNTED else f"{done} of {total}"
        return f"{part:3d} %  {shown(self._name)}  {amount}"

    def say(self, text: str) -> None:
        """Say a sentence on a line of its own."""
        if self._quiet:
            return
        self._end()
        print(shown(text), file=self._stream, flush=True)

    def _end(self) -> None:
        if self._open:
            self._stream.write("\n")
            self._open = False
