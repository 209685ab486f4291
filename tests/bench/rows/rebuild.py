# SPDX-License-Identifier: Apache-2.0
"""`make image` after a change of one file, against the cold build of the same clone."""

from tests.bench.checkout import Checkout, source_file
from tests.bench.row import Context, Figures, Goal, Row, Subject

CONFIGURE_TASKS = "roles/codex_agent/tasks/units.yml"


def _subjects(context: Context) -> list[Subject]:
    clone = Checkout(context, "rebuild")
    number = 0

    def cold() -> Figures:
        clone.renew()
        return clone.build()

    def after_change(pattern: str) -> Figures:
        nonlocal number
        number += 1
        clone.append(source_file(clone.folder, pattern), f"# changed by a benchmark: {number}")
        return clone.build()

    return [
        Subject("cold", cold),
        Subject("after a change in agent", lambda: after_change("codex_agent/cli/main.py")),
        Subject("after a change in role", lambda: after_change(CONFIGURE_TASKS)),
    ]


ROW = Row(
    "rebuild",
    "Rebuild after a change of one file",
    {"wall_s": "s", "cpu_s": "s"},
    _subjects,
    [
        Goal("after a change in agent", "wall_s", 0.2, times="cold"),
        Goal("after a change in agent", "wall_s", 120),
        Goal("after a change in role", "wall_s", 0.2, times="cold"),
        Goal("after a change in role", "wall_s", 120),
    ],
    rounds=1,
    notes=("a line is added to a file of the agent, then to a configure task of its role",),
)
