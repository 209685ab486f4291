# SPDX-License-Identifier: Apache-2.0
"""Runs rows: every subject once a round, in turn, so that what disturbs one disturbs all."""

import statistics
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from builder import log

from tests.bench.row import Context, Goal, Row

#: subject -> figure -> one value a round
Samples = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Judged:
    """A goal beside what was reached; ``limit`` is in the unit of the figure."""

    goal: Goal
    limit: float
    value: float

    @property
    def met(self) -> bool:
        """Whether the median is within the bound."""
        return self.value <= self.limit


def run(row: Row, context: Context, rounds: int) -> Samples:
    """Measure ``rounds`` times; CannotRunError or BuildError when a subject cannot be measured."""
    subjects = row.subjects(context)
    samples: Samples = {subject.name: {} for subject in subjects}
    with log.step(f"{row.name}: {rounds} round(s)") if row.quick else nullcontext():
        for number in range(1, rounds + 1):
            for subject in subjects:
                title = f"{row.name}: {subject.name}, round {number} of {rounds}"
                with nullcontext() if row.quick else log.step(title):
                    figures = subject.take()
                _add(samples[subject.name], figures, row.units, number)
    return samples


def _add(
    kept: dict[str, list[float]],
    figures: Mapping[str, float],
    units: Mapping[str, str],
    number: int,
) -> None:
    for figure, value in figures.items():
        if figure not in units:
            raise ValueError(f"the figure {figure} has no unit")
        kept.setdefault(figure, []).append(value)
    if any(len(values) != number for values in kept.values()):
        raise ValueError(f"round {number} did not give the figures of the rounds before")


def median(samples: Samples, subject: str, figure: str) -> float:
    """Median of all rounds."""
    return statistics.median(samples[subject][figure])


def judge(goals: Sequence[Goal], samples: Samples) -> list[Judged]:
    """Every goal with its bound in numbers."""
    found = []
    for goal in goals:
        factor = median(samples, goal.times, goal.figure) if goal.times else 1.0
        value = median(samples, goal.subject, goal.figure)
        found.append(Judged(goal, goal.at_most * factor, value))
    return found
