# SPDX-License-Identifier: Apache-2.0
"""Size of the unified kernel image."""

from tests.bench.row import Context, Figures, Goal, Row, Subject


def _subjects(context: Context) -> list[Subject]:
    path = context.paths.image(context.version, ".efi")

    def take() -> Figures:
        return {"size_mb": path.stat().st_size / 1e6}

    return [Subject("ours", take)]


ROW = Row("uki", "UKI", {"size_mb": "MB"}, _subjects, [Goal("ours", "size_mb", 40)], quick=True)
