# SPDX-License-Identifier: Apache-2.0
"""Reading a history of 82,000 commits, stage by stage, beside git itself."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.bench.row import CannotRunError, Context, Figures, Goal, Row, Subject

COMMITS = 82_000
_UNITS = {
    "first_screen_wall_s": "s", "first_screen_cpu_s": "s", "graph_cpu_s": "s", "files_cpu_s": "s",
    "lines_cpu_s": "s", "stream_cpu_s": "s", "reopen_cpu_s": "s", "new_cpu_s": "s",
    "commit_graph_cpu_s": "s",
    "later_screen_cpu_s": "s", "graph_wall_s": "s", "files_wall_s": "s", "lines_wall_s": "s",
    "stream_bytes": "B", "stream_gzip_bytes": "B", "store_bytes": "B", "peak_mib": "MiB",
    "commits": "",
}  # fmt: skip


def _subjects(context: Context) -> list[Subject]:
    python = context.paths.venv / "bin/python"
    if not python.exists():
        raise CannotRunError("There is no Python with our libraries.", hint="make check makes it.")
    folder = context.folder / "history"
    repository = folder / f"{COMMITS}.git"
    if not (repository / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _module(context, python, "generate", str(repository), "--commits", str(COMMITS))
        (repository / "complete").touch()

    def take(who: str) -> Figures:
        return _module(context, python, "stages", who, str(repository), str(folder / "state"))

    return [Subject("ours", lambda: take("ours")), Subject("git", lambda: take("git"))]


def _module(context: Context, python: Path, name: str, *words: str) -> Mapping[str, float]:
    argv: list[str | Path] = [python, "-m", f"tests.bench.history.{name}", *words]
    said = context.tree.output(argv, env={"PYTHONPATH": f"{context.paths.root}"})
    found: Mapping[str, float] = json.loads(said)
    return found


ROW = Row(
    "git-history",
    f"Reading a history of {COMMITS:,} commits",
    _UNITS,
    _subjects,
    [
        Goal("ours", "first_screen_wall_s", 0.3),
        Goal("ours", "files_cpu_s", 1.25, "git"),
        Goal("ours", "lines_cpu_s", 1.1, "git"),
        Goal("ours", "reopen_cpu_s", 0.05),
        Goal("ours", "new_cpu_s", 0.05),
    ],
    rounds=3,
    notes=(
        "tests/bench/history/generate.py makes the repository, seed 1: its files are short",
        "git's output goes nowhere; ours is parsed and stored, lines in two processes",
    ),
)
