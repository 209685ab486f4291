# SPDX-License-Identifier: Apache-2.0
"""The real service in front of repositories that were made for a test."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_agent.api.repos.common import Repos
from codex_agent.repos.allow import AllowList
from tests.unit.agent import trees
from tests.unit.agent.running import WAIT_S, Listening, Running, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from codex_agent.repos.allow import Entry


@dataclass
class Showing:
    """The service, its allow-list, and a client that has the token."""

    live: Running
    repos: Repos
    allowed: AllowList
    client: httpx.Client
    folder: Path

    def add(self, path: Path, name: str | None = None) -> Entry:
        return self.allowed.add(path, name)

    def get(self, path: str, status: int = 200, /, **query: Any) -> Any:
        """Ask, and return what was answered as JSON."""
        asked = {key: value for key, value in query.items() if value is not None}
        response = self.client.get(path, params=asked)
        assert response.status_code == status, response.text
        return response.json()

    def data(self, path: str, /, **query: Any) -> Any:
        return self.get(path, **query)["data"]

    def refused(self, path: str, status: int, code: str, /, **query: Any) -> dict[str, str]:
        body = self.get(path, status, **query)
        assert (body["success"], body["data"]) == (False, None)
        assert body["error"]["code"] == code, body
        found: dict[str, str] = body["error"]
        return found

    def ready(self, repo: str | None = None, *, passes: bool = False) -> dict[str, Any]:
        """Wait until a history was read, also its lines if asked; return how it stands."""
        self.client.get("/api/commits", params={"repo": repo, "limit": 1} if repo else {"limit": 1})
        end = time.monotonic() + WAIT_S * 2
        while True:
            listed = self.data("/api/repos")
            found = next(entry for entry in listed if repo in (None, entry["id"]))
            lines = found["lines"] or {"done": 0, "total": 1}
            if found["state"] == "ready" and (not passes or lines["done"] == lines["total"]):
                return dict(found)
            assert time.monotonic() < end, found
            time.sleep(0.05)


@contextmanager
def showing(folder: Path, roots: list[Path] | None = None) -> Iterator[Showing]:
    """Serve what is added below ``folder/root``."""
    (folder / "host").mkdir()
    (folder / "root").mkdir(exist_ok=True)
    tree = trees.image(trees.Tree(folder / "host"))
    inside = roots if roots is not None else [folder / "root"]
    allowed = AllowList(folder / "list", inside, public=True)
    repos = Repos(allowed.entries, inside, folder / "cache", folder / "notes")
    with (
        running(tree, folder, repos=repos) as live,
        live.client(headers=live.bearer) as client,
    ):
        yield Showing(live, repos, allowed, client, folder)


def message(connection: Listening, *kinds: str) -> dict[str, Any]:
    """Return the next message of one of these types; others are passed over."""
    while True:
        found: dict[str, Any] = json.loads(connection.recv(WAIT_S))
        if found["type"] in kinds:
            return found
