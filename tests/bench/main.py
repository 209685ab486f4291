# SPDX-License-Identifier: Apache-2.0
"""`make bench`: measure the rows that are asked for, print a table, keep the raw values."""

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime

from builder import log, version
from builder.errors import BuildError
from builder.paths import Paths
from builder.settings import Settings
from builder.tree import Tree

from tests.bench import machine, measure, report
from tests.bench.row import CannotRunError, Context, Row
from tests.bench.rows import ROWS


def run(paths: Paths, settings: Settings) -> None:
    """Measure ``settings.rows`` or all; a row that cannot run says why and the others go on."""
    chosen = choose(settings.rows.split())
    context = Context(paths, settings, Tree(paths))
    context.tree.ensure()
    refused: list[str] = []
    for row in chosen:
        try:
            _one(row, context, settings.repeats or row.rounds)
        except CannotRunError as error:
            refused.append(f"{row.name}: {error.message} {error.hint}".strip())
            log.say(f"{row.name} cannot run: {error.message} {error.hint}".strip())
    if len(refused) == len(chosen):
        raise BuildError("No row could be measured.", hint="\n  ".join(["Why:", *refused]))


def choose(names: Sequence[str]) -> list[Row]:
    """Rows by name, all when none is named; BuildError for a name that there is not."""
    known = {row.name: row for row in ROWS}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise BuildError(
                f"There is no row {name!r}.", hint=f"{hint}Rows: {', '.join(known)}.", code=2
            )
    return [known[name] for name in dict.fromkeys(names)] or list(ROWS)


def _one(row: Row, context: Context, rounds: int) -> None:
    at = datetime.now(UTC)
    before = machine.load()
    samples = measure.run(row, context, rounds)
    commit = version.of(context.paths)
    about = {
        "version": context.paths.latest_version() or commit.number,
        "commit": commit.commit,
        "machine": {
            **machine.describe(context.paths),
            "load_before": before,
            "load_after": machine.load(),
        },
        "command": f"make bench ROWS={row.name} REPEATS={rounds}",
    }
    found = report.document(row, samples, measure.judge(row.goals, samples), about, at)
    path = report.write(context.paths.root / "docs/measured", found)
    log.plain(f"\n{report.table(found)}\n  raw values: {path.relative_to(context.paths.root)}\n")
