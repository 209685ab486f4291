# SPDX-License-Identifier: Apache-2.0
"""The real service with the built page, in front of histories of known size: no guest is needed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_agent.api import pages
from codex_agent.api.repos.common import Repos
from codex_agent.repos.allow import AllowList
from tests.bench.history.generate import make
from tests.support.service import Service
from tests.unit.agent import trees
from tests.unit.agent.running import WAIT_S, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.bench.history.generate import Answers


@dataclass(frozen=True)
class Shown:
    """The service, and by name of each repository its id and what it holds."""

    service: Service
    folder: Path
    allowed: AllowList
    ids: Mapping[str, str]
    answers: Mapping[str, Answers]


def add(shown: Shown, name: str, commits: int, seed: int = 7) -> Shown:
    """Make a repository of this size, show it, and wait until its graph was read."""
    path = shown.folder / f"{name}.git"
    answers = make(path, commits, seed)
    found = shown.allowed.add(path).id
    _wait_until_read(shown.service, found)
    return replace(shown, ids={**shown.ids, name: found}, answers={**shown.answers, name: answers})


@contextmanager
def showing(folder: Path, sizes: Mapping[str, int]) -> Iterator[Shown]:
    """Serve repositories of these sizes, made below ``folder/root``, with the page."""
    files = pages.load()
    if not files:
        raise RuntimeError("codex_agent/web/dist is not there: npm run build makes it.")
    root = folder / "root"
    root.mkdir()
    (folder / "host").mkdir()
    tree = trees.image(trees.Tree(folder / "host"))
    allowed = AllowList(folder / "list", [root], public=True)
    repos = Repos(allowed.entries, [root], folder / "cache", folder / "notes")
    with running(tree, folder, files=files, repos=repos) as live:
        shown = Shown(Service(live.url, live.ca, live.token), root, allowed, {}, {})
        for name, commits in sizes.items():
            shown = add(shown, name, commits)
        yield shown


def _wait_until_read(service: Service, repo: str) -> None:
    end = time.monotonic() + WAIT_S * 10
    with service.client(token=service.token) as client:
        client.get("/api/commits", params={"repo": repo, "limit": 1})
    while True:
        states = {entry["id"]: entry["state"] for entry in service.get("/api/repos")}
        if states.get(repo) == "ready":
            return
        assert time.monotonic() < end, states
        time.sleep(0.2)
