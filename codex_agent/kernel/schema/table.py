# SPDX-License-Identifier: Apache-2.0
"""Takes typed values out of a TOML table and notices what nobody asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any


class SchemaError(ValueError):
    """What is wrong with a schema, and where."""


@dataclass
class Reader:
    """One table; every method raises ``SchemaError`` with the place where the fault is.

    ``place`` names the table for a person. A key can be taken once; ``done`` refuses the rest.
    """

    place: str
    data: dict[str, Any]
    _taken: set[str] = field(default_factory=set)

    def _get(self, key: str, default: object = None) -> Any:
        self._taken.add(key)
        value = self.data.get(key, default)
        if value is None:
            raise SchemaError(f"{self.place} has no {key}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return one line of text that cannot end a comment of C or a text of Python."""
        value = self._get(key, default)
        if not isinstance(value, str) or not value.isprintable() or re.search(r'\*/|"""|\\', value):
            raise SchemaError(f"{key} of {self.place} is not one line of plain text")
        return value

    def word(self, key: str) -> str:
        """Return a text that C and Python take as a name."""
        value = self.text(key)
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", value, re.ASCII):
            raise SchemaError(f"{key} of {self.place} is no name: {value!r}")
        return value

    def choice(self, key: str, among: tuple[str, ...]) -> str:
        """Return one of several words."""
        value = self.text(key)
        if value not in among:
            raise SchemaError(f"{key} of {self.place} is {value!r}, not one of {', '.join(among)}")
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """Return a number in a range."""
        value = self._get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise SchemaError(f"{key} of {self.place} is not a number from {low} to {high}")
        return value

    def flag(self, key: str) -> bool:
        """Return true or, where nothing is said, false."""
        value = self._get(key, default=False)
        if not isinstance(value, bool):
            raise SchemaError(f"{key} of {self.place} is neither true nor false")
        return value

    def count(self, key: str, constants: dict[str, int]) -> tuple[int, str]:
        """Return the length of an array (0: no array) and the constant that names it, or ""."""
        if isinstance(self.data.get(key), str):
            name = self.word(key)
            if name not in constants:
                raise SchemaError(f"{key} of {self.place} is {name}, which no constant has")
            return constants[name], name
        return (self.integer(key, 1, 65536) if key in self.data else 0), ""

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where nothing is said."""
        values = self._get(key, default=[])
        if not isinstance(values, list):
            raise SchemaError(f"{key} of {self.place} is not a list")
        return tuple(Reader(f"{key} of {self.place}", {"entry": v}).text("entry") for v in values)

    def table(self, key: str) -> Reader:
        """Return a table inside this one."""
        value = self._get(key)
        if not isinstance(value, dict):
            raise SchemaError(f"{key} of {self.place} is not a table")
        return Reader(f"{key} of {self.place}", value)

    def tables(self, key: str) -> list[Reader]:
        """Return the tables of a list, none where nothing is said."""
        values = self._get(key, default=[])
        if not isinstance(values, list) or not all(isinstance(v, dict) for v in values):
            raise SchemaError(f"{key} of {self.place} is not a list of tables")
        return [Reader(str(v.get("name") or f"{key} {n}"), v) for n, v in enumerate(values, 1)]

    def done(self) -> None:
        """Refuse keys that nobody asked for: most often a word that was misspelt."""
        for key in self.data:
            if key not in self._taken:
                raise SchemaError(f"{self.place} has {key}, which means nothing there")
