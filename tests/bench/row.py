# SPDX-License-Identifier: Apache-2.0
"""The shape of a benchmark."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.errors import BuildError
from builder.paths import Paths
from builder.settings import Settings
from builder.tree import Tree

#: One measurement of one subject: figure to value, such as {"cpu_s": 12.5}.
Figures = Mapping[str, float]


class CannotRunError(BuildError):
    """A row that cannot be measured here and now; the message says why."""


@dataclass(frozen=True)
class Context:
    """What rows work with; ``folder`` is theirs alone and may be deleted at any time."""

    paths: Paths
    settings: Settings
    tree: Tree

    @property
    def folder(self) -> Path:
        """Where rows keep what they build."""
        return self.paths.build / "bench"

    @property
    def version(self) -> str:
        """Version of the latest image; CannotRunError before the first."""
        version = self.paths.latest_version()
        if version is None:
            raise CannotRunError("There is no image to measure.", hint="`make image` builds one.")
        return version


@dataclass(frozen=True)
class Subject:
    """What is measured: ours, or the floor or peer that it is compared with."""

    name: str
    take: Callable[[], Figures]


@dataclass(frozen=True)
class Goal:
    """A bound on the median of a figure: a number, or a multiple of another subject's median."""

    subject: str
    figure: str
    at_most: float
    times: str = ""

    def text(self) -> str:
        """What a person reads, e.g. ``ours cpu_ms <= 100``."""
        unit = f" x {self.times}" if self.times else ""
        return f"{self.subject} {self.figure} <= {self.at_most:g}{unit}"


@dataclass(frozen=True)
class Row:
    """One row of the table; ``subjects`` is called once, before anything is measured."""

    name: str
    title: str
    units: Mapping[str, str]
    subjects: Callable[[Context], Sequence[Subject]]
    goals: Sequence[Goal] = ()
    #: Rounds when nobody asks for a number; in each round every subject is measured once.
    rounds: int = 1
    #: A round takes no time worth a line of its own.
    quick: bool = False
    notes: Sequence[str] = field(default_factory=tuple)
