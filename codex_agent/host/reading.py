# SPDX-License-Identifier: Apache-2.0
"""A value together with where it comes from, when it was true, and why it may be missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
U = TypeVar("U")


class Unreadable(Exception):  # noqa: N818 - a state, not a fault
    """A value that cannot be had; ``reason`` is a clause that a person can read.

    ``absent``: nothing is there at all. ``denied``: a reader with more privilege could have it.
    """

    def __init__(self, reason: str, *, absent: bool = False, denied: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.absent = absent
        self.denied = denied


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """``value`` or, where that is None, the ``reason``; ``observed`` is monotonic time in s."""

    value: T | None
    source: str
    observed: float
    reason: str | None = None

    def then(self, use: Callable[[T], U | None], reason: str | None = None) -> Reading[U]:
        """Return a reading of the same source and time made from this one's value.

        Where ``use`` gives None or raises ``ValueError``, ``reason`` (or the error) is the reason.
        """
        if self.value is None:
            return Reading(None, self.source, self.observed, self.reason)
        try:
            value = use(self.value)
        except ValueError as error:
            text = f"{self.source} has unexpected content: {error}"
            return Reading(None, self.source, self.observed, text)
        return Reading(value, self.source, self.observed, None if value is not None else reason)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What remains of a reading beside its value."""

    source: str
    observed: float
    reason: str | None


@dataclass
class Ledger:
    """Collects where each value of a snapshot comes from, under its dotted path."""

    entries: dict[str, Provenance] = field(default_factory=dict)

    def note(self, path: str, reading: Reading[T]) -> T | None:
        """Record a reading and return its value."""
        self.entries[path] = Provenance(reading.source, reading.observed, reading.reason)
        return reading.value
