# SPDX-License-Identifier: Apache-2.0
"""Walks through the lines of a /proc file and knows where it stands when something is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

from codex_agent.host.reading import Unreadable
from codex_agent.kernel.errors import Unavailable
from codex_agent.kernel.proc import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.host.root import Root
    from codex_agent.kernel.abi.form import Column, Line

P = ParamSpec("P")
T = TypeVar("T")

#: A pool of the largest size has some ten thousand owners, a line of at most 4,200 bytes each.
TEXT_LIMIT = 4 << 20
_LINE_LIMIT = 8192
#: A line that a later version added: it is passed over, as long as it has the form of one.
_ADDED = re.compile(r"[A-Z][A-Za-z0-9 ()/_-]{0,63}: [ -~]{1,256}", re.ASCII)
HINT = "modules and program are not of the same release, or the file was changed on its way"


class Malformed(ValueError):  # noqa: N818 - it never leaves this package
    """A text that is not what the schema says; names the line."""


class Lines:
    """The lines of a text; all methods raise ``Malformed``."""

    def __init__(self, data: bytes) -> None:
        self._taken = 0
        if not data:
            raise Malformed("the text is empty")
        parts = data.split(b"\n")
        self._count = len(parts) - 1
        for number, part in enumerate(parts, 1):
            if len(part) > _LINE_LIMIT:
                raise Malformed(f"line {number} is longer than {_LINE_LIMIT} bytes")
            if b"\0" in part:
                raise Malformed(f"line {number} is not text")
        if parts.pop():
            raise Malformed(f"line {self._count + 1} has no end, the text was cut off")
        self._lines = [_decode(part) for part in parts]

    def fail(self, why: str) -> NoReturn:
        """Refuse the line that was taken last."""
        raise Malformed(f"line {self._taken}: {why}")

    def peek(self, ahead: int = 0) -> str | None:
        """Return a line that comes next, None behind the end."""
        place = self._taken + ahead
        return self._lines[place] if place < self._count else None

    def take(self, what: str) -> str:
        """Return the next line, which should be ``what``."""
        text = self.peek()
        self._taken += 1
        if text is None:
            self.fail(f"the text ends where {what} should follow")
        return text

    def expect(self, text: str) -> None:
        """Take a line that reads exactly so."""
        found = self.take(repr(text) if text else "an empty line")
        if found != text:
            self.fail(f"{found!r} stands where {text!r} should")

    def value(self, use: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``use`` makes of a part of the line that was taken last."""
        try:
            return use(*args, **kwargs)
        except ValueError as error:
            self.fail(str(error))

    def labelled(self, lines: tuple[Line, ...], indent: str = "") -> dict[str, values.Value]:
        """Take lines ``label: value`` up to an empty line or the end, and return their values."""
        found: dict[str, values.Value] = {}
        fixed = [line for line in lines if line.fixed]
        for line in fixed:
            text = self.take(f"'{line.label}: …'")
            start = f"{indent}{line.label}: "
            if not text.startswith(start):
                self.fail(f"{text!r} stands where '{line.label}: …' should")
            found[line.name] = self.value(values.of_line, line, text[len(start) :])
        added = list(lines[len(fixed) :])
        while self.peek():
            self._added(self.take("a line"), indent, lines, added, found)
        return found

    def _added(
        self,
        text: str,
        indent: str,
        lines: tuple[Line, ...],
        left: list[Line],
        found: dict[str, values.Value],
    ) -> None:
        """Take in a line below the fixed ones; those of ``left`` may still come."""
        body = text.removeprefix(indent)
        label, _, rest = body.partition(": ")
        line = next((line for line in lines if line.label == label), None)
        if not text.startswith(indent) or (line is None and not _ADDED.fullmatch(body)):
            self.fail(f"{text!r} is no line of this file")
        if line is None:
            return
        if line not in left:
            self.fail(f"{label} is there twice or in the wrong place")
        del left[: left.index(line) + 1]
        found[line.name] = self.value(values.of_line, line, rest)

    def rows(self, columns: tuple[Column, ...]) -> list[dict[str, values.Value]]:
        """Take tab-separated rows up to an empty line or the end, and return their cells."""
        found = []
        while self.peek():
            # Only the last column can hold a tab itself.
            cells = self.take("a row").split("\t", len(columns) - 1)
            if len(cells) != len(columns):
                self.fail(f"it has {len(cells)} columns, not {len(columns)}")
            found.append(self.value(_cells, columns, cells))
        return found


def _cells(columns: tuple[Column, ...], cells: list[str]) -> dict[str, values.Value]:
    pairs = zip(columns, cells, strict=True)
    return {column.name: values.of_cell(column, text) for column, text in pairs}


def _decode(line: bytes) -> str:
    r"""Return a line as text that a terminal can show.

    Names of control groups may hold any byte; what is not printable is shown as ``\x..``.
    """
    text = line.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in text)


def parse(path: str, data: bytes, use: Callable[[Lines], T]) -> T:
    """Return what ``use`` reads from a text, or raise ``Unavailable``."""
    try:
        lines = Lines(data)
        result = use(lines)
        if lines.peek() is not None:
            lines.take("the end")
            lines.fail("nothing should follow here")
    except Malformed as error:
        raise Unavailable(f"malformed: {error} ({path})", HINT) from None
    return result


def read(root: Root, path: str, module: str) -> bytes:
    """Return the bytes of a /proc file, or raise ``Unavailable``."""
    try:
        return root.data(path, TEXT_LIMIT)
    except Unreadable as error:
        if error.absent:
            raise Unavailable(
                f"the module {module} is not loaded: {error.reason}", f"load it: modprobe {module}"
            ) from None
        raise Unavailable(error.reason, f"look at {path} as root") from None
