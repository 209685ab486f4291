# SPDX-License-Identifier: Apache-2.0
"""Attacks on updates and their outcomes, as a run has seen them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One attack: how often it was tried, what came of it, and what the operator is told."""

    attack: str
    what: str
    tried: int
    outcome: str
    said: str


@dataclass
class Table:
    """What was seen; nothing gets in that was not asserted before.

    ``figures`` are those of the updates between the attacks: bytes and seconds, by names that say
    which (``apply_to_blessed_s``).
    """

    rows: list[Row] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    def add(self, attack: str, what: str, outcome: str, said: str, tried: int = 1) -> None:
        """Note an attack that was survived."""
        self.rows.append(Row(attack, what, tried, outcome, " ".join(said.split())))

    def take(self, content: str) -> None:
        """Add what another process has written; what both have seen counts together."""
        found = json.loads(content)
        rows = {row.attack: row for row in self.rows}
        for row in (Row(**entry) for entry in found["attacks"]):
            before = rows.get(row.attack)
            rows[row.attack] = (
                row if before is None else replace(before, tried=before.tried + row.tried)
            )
        self.rows = list(rows.values())
        self.figures = {**found["figures"], **self.figures}

    def write(self, place: Path) -> None:
        """Write ``place``.md and ``place``.json; nothing when there was no attack."""
        if not self.rows:
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        rows = sorted(self.rows, key=lambda row: row.attack)
        content = {"figures": self.figures, "attacks": [asdict(row) for row in rows]}
        data = json.dumps(content, indent=1, ensure_ascii=False)
        place.with_suffix(".json").write_text(data + "\n", encoding="utf-8")
        lines = ["| attack | what was done | tried | outcome | what the operator is told |",
                 "|---|---|---|---|---|"]  # fmt: skip
        for row in rows:
            words = (row.attack, row.what, str(row.tried), row.outcome, row.said)
            lines.append("| " + " | ".join(word.replace("|", "\\|") for word in words) + " |")
        if self.figures:
            lines += ["", "| figure | value |", "|---|---|"]
            lines += [f"| {name} | {value} |" for name, value in self.figures.items()]
        place.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")
