# SPDX-License-Identifier: Apache-2.0
"""What a comparison with the default finds, and what it could not look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from codex_agent.host.reading import Unreadable
from codex_agent.problem import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from codex_agent.host.model import Delivery

Area = Literal["layer", "beside", "seal", "packages"]
Kind = Literal["added", "changed", "missing", "link", "rights", "unknown", "given", "covered"]
Answer = Literal["no difference", "differs", "unknown"]

AREAS: dict[Area, str] = {
    "layer": "The host's own layer",
    "beside": "Beside the layer",
    "seal": "The seal",
    "packages": "Files of our packages",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that is not what it is by default; both are texts that hold no secret."""

    name: str
    default: str
    value: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the version has it.

    ``kind``: added to the default; changed or missing of it; a link where a file is expected; open
    to more than it should be (rights); of no meaning to this version (unknown); given from outside
    at this start; covering a sealed place. ``lasts`` says whether a restart leaves it.
    """

    area: Area
    place: str
    kind: Kind
    message: str
    lasts: bool = True
    settings: tuple[Setting, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", shown(self.place))
        object.__setattr__(self, "message", shown(self.message))


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be compared, and why."""

    area: Area
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Declared:
    """What a delivery does not promise, where the image does; known beforehand, so no finding."""

    what: str
    message: str


@dataclass
class Findings:
    """Collects what one comparison finds; ``compared`` counts what was looked at."""

    area: Area
    differences: list[Difference] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    compared: int = 0

    def differs(
        self,
        place: str,
        kind: Kind,
        message: str,
        *,
        lasts: bool = True,
        settings: Iterable[Setting] = (),
    ) -> None:
        """Note a difference."""
        self.differences.append(Difference(self.area, place, kind, message, lasts, tuple(settings)))

    def unreadable(self, place: str, reason: str) -> None:
        """Note what could not be looked at."""
        self.unread.append(Unread(self.area, shown(place), shown(reason)))

    def names(self, listing: Callable[[str], list[str]], folder: str) -> list[str]:
        """Return the names in a folder; none where there is no such folder."""
        self.compared += 1
        try:
            return listing(folder)
        except Unreadable as error:
            if not error.absent:
                self.unreadable(folder, error.reason)
            return []


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. Something that could not be read never counts as no difference."""

    answer: Answer
    delivery: Delivery | None
    version: str | None
    compared: int
    differences: list[Difference]
    unread: list[Unread]
    declared: list[Declared]


def report(
    delivery: Delivery | None,
    version: str | None,
    parts: Iterable[Findings],
    declared: Iterable[Declared] = (),
) -> Report:
    """Put the comparisons together."""
    found = list(parts)
    differences = [difference for part in found for difference in part.differences]
    unread = [entry for part in found for entry in part.unread]
    answer: Answer = "differs" if differences else "unknown" if unread else "no difference"
    compared = sum(part.compared for part in found)
    return Report(answer, delivery, version, compared, differences, unread, list(declared))
