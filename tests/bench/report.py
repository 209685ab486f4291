# SPDX-License-Identifier: Apache-2.0
"""Table for a person, JSON for docs/measured; README.md describes the format."""

import json
import statistics
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.measure import Judged, Samples
from tests.bench.row import Row

SCHEMA = 1


def document(
    row: Row, samples: Samples, judged: list[Judged], about: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """Everything about one row, raw values included."""
    return {
        "schema": SCHEMA,
        "row": row.name,
        "title": row.title,
        "measured_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **about,
        "rounds": max(len(v) for figures in samples.values() for v in figures.values()),
        "figures": [
            {"subject": subject, "figure": figure, "unit": row.units[figure], **_summary(values)}
            for subject, figures in samples.items()
            for figure, values in figures.items()
        ],
        "goals": [
            {"goal": j.goal.text(), "limit": j.limit, "value": j.value, "met": j.met}
            for j in judged
        ],
        "notes": list(row.notes),
    }


def _summary(values: list[float]) -> dict[str, Any]:
    rounded = [round(value, 3) for value in values]
    median = round(statistics.median(values), 3)
    return {"median": median, "min": min(rounded), "max": max(rounded), "samples": rounded}


def write(folder: Path, found: Mapping[str, Any]) -> Path:
    """Write ``<date>-<row>.json``; a second one of a day gets a number, none is overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{found['measured_at'][:10]}-{found['row']}"
    names = [f"{stem}.json", *(f"{stem}-{number}.json" for number in range(2, 1000))]
    path = next(folder / name for name in names if not (folder / name).exists())
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)
    return path


def table(found: Mapping[str, Any]) -> str:
    """Lines of subject, figure, median and range, and a line a goal."""
    lines = [f"{found['title']} ({found['rounds']} round(s), version {found['version']})"]
    lines += [
        f"  {f['subject']:<28} {f['figure']:<18} {f['median']:>12,.2f} {f['unit']:<6}"
        f" ({f['min']:,.2f} to {f['max']:,.2f})"
        for f in found["figures"]
    ]
    lines += [
        f"  goal {g['goal']}: {'met' if g['met'] else 'missed'},"
        f" {g['value']:,.2f} against {g['limit']:,.2f}"
        for g in found["goals"]
    ]
    return "\n".join(lines)
