# SPDX-License-Identifier: Apache-2.0
"""What the configuration contributes to a verdict: the limits, and its own mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.config import inputs
from codex_agent.config.load import load
from codex_agent.host.snapshot import Judgement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_agent.host.model import Check
    from codex_agent.host.root import Root


def judgement(
    root: Root,
    environment: Mapping[str, str],
    agent: Check,
    *,
    credentials: str | None = None,
    home: str | None = None,
    settled: bool = False,
) -> Judgement:
    """Read the configuration as it is now and return what the checks need from it."""
    loaded = load(root, environment, credentials=credentials, home=home)
    wrong = loaded.problems + inputs.problems(root, credentials)
    return Judgement(
        disk_free_percent_min=loaded.config.health.disk_free_percent_min,
        # The same credential can be seen in two places.
        problems=list(dict.fromkeys(wrong)),
        agent=agent,
        settled=settled,
    )
