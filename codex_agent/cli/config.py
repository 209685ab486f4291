# SPDX-License-Identifier: Apache-2.0
"""``codex config``: what is configured, where each value comes from, and what is wrong."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from codex_agent.cli.collect import home
from codex_agent.config import inputs
from codex_agent.config.load import Loaded, load
from codex_agent.host.root import Root

if TYPE_CHECKING:
    import argparse

EXIT_PROBLEMS = 1


def shown_value(value: object) -> str:
    """Return a value as TOML writes it."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def table(loaded: Loaded) -> str:
    """Return every key with its value and the place that sets it, aligned."""
    rows = [(key, shown_value(v), loaded.places[key]) for key, v in loaded.values.items()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{k:<{widths[0]}}  {v:<{widths[1]}}  {place}" for k, v, place in rows)


def run(arguments: argparse.Namespace) -> int:
    """Show the values, or check all layers and all that was given to this host."""
    root = Root()
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    loaded = load(root, os.environ, credentials=credentials, home=home())
    problems = loaded.problems
    if arguments.action == "show":
        print(table(loaded))
    else:
        problems = list(dict.fromkeys(problems + inputs.problems(root, credentials)))
        if not problems:
            print("Every configuration file and credential that may be read is valid.")
    for problem in problems:
        print(f"codex: {problem.message}\nhint: {problem.hint}", file=sys.stderr)
    return EXIT_PROBLEMS if problems else 0
