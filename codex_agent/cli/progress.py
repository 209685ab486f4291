# SPDX-License-Identifier: Apache-2.0
"""Progress of long work: one line that changes on a terminal, few lines elsewhere.

A log gets one line for each stage or larger file when it has ended, and one every half minute
while it takes long.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from codex_agent.cli.rows import size
from codex_agent.problem import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_PAUSE_S = 0.2
_LOG_PAUSE_S = 30.0
_LOGGED = 1024**2  # bytes: what is smaller is not worth a line in a log
_PER_CENT = 100  # a total that is no number of bytes


class Progress:
    """Tells how far each piece of work is; ``quiet`` tells nothing."""

    def __init__(
        self,
        stream: TextIO,
        *,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._quiet = quiet
        self._clock = clock
        self._terminal = stream.isatty()
        self._name = ""
        self._when = 0.0
        self._open = False
        self._ended = False
        self._waiting: str | None = None

    def tell(self, name: str, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` is here; a total of 0 is one that is not known."""
        if self._quiet:
            return
        now = self._clock()
        if name != self._name:
            self._end()
            # The line on a terminal begins at once, a log waits.
            self._when = now - _PAUSE_S if self._terminal else now
            self._name, self._ended = name, False
        ended = 0 < total <= done
        line = self._line(done, total)
        if self._terminal:
            self._move(line, now, ended=ended)
        elif total == _PER_CENT or max(done, total) >= _LOGGED:
            self._log(line, now, ended=ended)
        self._ended = ended

    def _move(self, line: str, now: float, *, ended: bool) -> None:
        if not ended and now - self._when < _PAUSE_S:
            return
        self._stream.write(f"\r\x1b[K{line}")
        self._when, self._open = now, True
        if ended:
            self._end()
        self._stream.flush()

    def _log(self, line: str, now: float, *, ended: bool) -> None:
        if ended and self._ended:
            return
        self._waiting = line
        if ended or now - self._when >= _LOG_PAUSE_S:
            self._when = now
            self._end()

    def _line(self, done: int, total: int) -> str:
        name = shown(self._name)
        if total <= 0:
            return f"       {name}  {size(done)}"
        part = f"{min(done * 100 // total, 100):3d} %  {name}"
        return part if total == _PER_CENT else f"{part}  {size(done)} of {size(total)}"

    def say(self, text: str) -> None:
        """Say a sentence on a line of its own."""
        if self._quiet:
            return
        self._end()
        print(shown(text), file=self._stream, flush=True)

    def _end(self) -> None:
        """End the line of a terminal; write the line of a log that was held back."""
        if self._open:
            self._stream.write("\n")
            self._open = False
        if self._waiting is not None:
            self._stream.write(f"{self._waiting}\n")
            self._stream.flush()
            self._waiting = None
