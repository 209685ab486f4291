# SPDX-License-Identifier: Apache-2.0
"""The route of metrics: what is made of a whole history, kept until the history changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Request, Response

from codex_agent.api.envelope import Envelope
from codex_agent.api.repos import shapes
from codex_agent.api.repos.common import TAGGED, Repos, check_tag, read, reply, tag_of
from codex_agent.api.repos.files import head_of, sizes_of
from codex_agent.repos.limits import page as bounded
from codex_agent.repos.metrics.activity import activity
from codex_agent.repos.metrics.churn import churn, hotspots
from codex_agent.repos.metrics.coupling import coupling
from codex_agent.repos.metrics.facts import Basis
from codex_agent.repos.metrics.people import bus_factor, ownership
from codex_agent.repos.people import text

if TYPE_CHECKING:
    from codex_agent.repos.book import Book
    from codex_agent.repos.cancel import Cancel
    from codex_agent.repos.history import History
    from codex_agent.repos.scene import Scene

Name = Literal["hotspots", "ownership", "coupling", "bus_factor", "activity"]


@dataclass(frozen=True, slots=True)
class Hotspot:
    """A file that changes often and is large; ``value`` is changes times bytes, scaled to 0..1."""

    path: str
    change_count: int
    size: int | None
    value: float


@dataclass(frozen=True, slots=True)
class Share:
    """What part of what was added to a file an author added."""

    author: str
    share: float


@dataclass(frozen=True, slots=True)
class Owned:
    """A file, and who wrote it; the largest share first."""

    path: str
    shares: list[Share]


@dataclass(frozen=True, slots=True)
class Coupled:
    """Two files that changed together; ``degree`` is the share of commits that changed either."""

    one: str
    other: str
    together: int
    degree: float


@dataclass(frozen=True, slots=True)
class Bus:
    """Without these authors more than half of the files have none; ``files`` were looked at."""

    authors: list[str]
    files: int


@dataclass(frozen=True, slots=True)
class Month:
    """Commits of an author in a month (UTC), such as 2026-11."""

    author: str
    month: str
    commits: int


@dataclass(frozen=True, slots=True)
class Hour:
    """Commits by weekday (Monday is 0) and hour, where their authors were."""

    weekday: int
    hour: int
    commits: int


@dataclass(frozen=True, slots=True)
class Active:
    """When people work; ``undated`` commits have no time that can be read."""

    months: list[Month]
    hours: list[Hour]
    undated: int


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: the field of its name has it, the others are null; ``basis``: over what."""

    name: Name
    basis: Basis | None = None
    hotspots: list[Hotspot] | None = None
    owners: list[Owned] | None = None
    pairs: list[Coupled] | None = None
    bus_factor: Bus | None = None
    activity: Active | None = None


def add(router: APIRouter, repos: Repos) -> None:
    """Add the route."""

    @router.get("/api/metrics/{name}", response_model=Envelope[Metric], responses=TAGGED)
    async def metric(
        request: Request, name: Name, repo: shapes.RepoId = None, limit: shapes.Limit = 100
    ) -> Response:
        """Return a metric over the whole history, as far as its files and lines were read."""

        def question(book: Book, cancel: Cancel) -> tuple[Any, str]:
            read(book)
            key = book.tag(passes_too=True)
            tag = tag_of(request, book.entry.id, key)
            check_tag(request, tag)

            def made() -> Metric:
                return book.steady(lambda h, s: _metric(book, name, h, s, bounded(limit), cancel))

            return book.kept(f"metric {name}", f"{key} {bounded(limit)}", made), tag

        found, tag = await repos.ask(request, repo, question, slow=True)
        return reply(found, tag)


def _metric(
    book: Book, name: Name, history: History, scene: Scene, limit: int, cancel: Cancel
) -> Metric:
    people = scene.people
    persons = [person.name for person in people.persons]
    if name == "activity":
        return Metric(name, activity=_activity(history, scene, persons))
    if name == "coupling":
        found, over = coupling(history, people, limit)
        pairs = [
            Coupled(text(pair.one), text(pair.other), pair.together, pair.degree)
            for pair in found.pairs
        ]
        return Metric(name, over, pairs=pairs)
    head = head_of(history)
    there = sizes_of(book, history, head, cancel) if head is not None else {}
    if name == "hotspots":
        stats, over = churn(history, people, None, there)
        rows = [
            Hotspot(text(row.path), row.changes, row.size, value)
            for row, value in hotspots(stats, limit)
        ]
        return Metric(name, over, hotspots=rows)
    if name == "ownership":
        owners, over = ownership(history, people, there, limit)
        owned = [
            Owned(text(row.path), [Share(persons[who], share) for who, share in row.shares])
            for row in owners
        ]
        return Metric(name, over, owners=owned)
    factor, over = bus_factor(history, people, there)
    bus = Bus([persons[who] for who in factor.persons], factor.files)
    return Metric(name, over, bus_factor=bus)


def _activity(history: History, scene: Scene, persons: list[str]) -> Active:
    found = activity(history, scene.people)
    months = [
        Month(persons[who], month, count)
        for (who, month), count in sorted(found.months.items(), key=lambda row: row[0][::-1])
    ]
    hours = [Hour(day, hour, count) for (day, hour), count in sorted(found.hours.items())]
    return Active(months, hours, found.undated)
