# SPDX-License-Identifier: Apache-2.0
"""One snapshot for the command line: readings, configuration, and whether the service answers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_agent.config.judgement import judgement
from codex_agent.host import asking
from codex_agent.host.snapshot import Sample, take

if TYPE_CHECKING:
    from codex_agent.host.root import Root


def home() -> str | None:
    """Return the home of a user; root is configured by the host's own layers alone."""
    return os.environ.get("HOME") if os.geteuid() != 0 else None


def collect(root: Root, *, settled: bool = False) -> Sample:
    """Take a snapshot with a verdict that includes whether the service answers."""
    around = judgement(
        root,
        os.environ,
        asking.check(root),
        credentials=os.environ.get("CREDENTIALS_DIRECTORY"),
        home=home(),
        settled=settled,
    )
    return take(root, around)
