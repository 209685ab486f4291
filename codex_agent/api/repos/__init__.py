# SPDX-License-Identifier: Apache-2.0
"""What may be asked about the repositories that this host shows (docs/api-repositories.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from codex_agent.api.repos import commits, events, files, graph, metrics, notes

if TYPE_CHECKING:
    from codex_agent.api.auth import Guard
    from codex_agent.api.repos.common import Repos


def router(repos: Repos, guard: Guard, known: list[Any]) -> APIRouter:
    """Return all routes about repositories; ``known`` lets nobody in who has no token."""
    found = APIRouter(dependencies=known, tags=["repositories"])
    # Names before ids: /api/commits/stream is no commit.
    events.add(found, repos)
    commits.add(found, repos)
    graph.add(found, repos)
    files.add(found, repos)
    metrics.add(found, repos)
    notes.add(found, repos, guard)
    return found
