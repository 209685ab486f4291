# SPDX-License-Identifier: Apache-2.0
"""What the OpenAPI document says of repositories, tried with made-up requests (schemathesis)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks

from codex_agent.api.app import create, routes
from codex_agent.api.description import describe
from codex_agent.api.repos.common import Repos
from codex_agent.api.service import Identity, Service
from codex_agent.repos.allow import AllowList
from tests.unit.agent import trees
from tests.unit.agent.repos.made import branched
from tests.unit.agent.trees import START_OF_VALIDITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "openapi.json"
TOKEN = "t" * 32
OURS = ("/api/repos", "/api/commits", "/api/patch", "/api/compare", "/api/search", "/api/graph",
        "/api/branches", "/api/files", "/api/metrics", "/api/comments", "/api/views")  # fmt: skip


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("described")
    repo = branched(folder / "root" / "repo")
    (folder / "host").mkdir()
    tree = trees.image(trees.Tree(folder / "host"))
    roots = [folder / "root"]
    allowed = AllowList(folder / "list", roots)
    allowed.add(repo.path)
    repos = Repos(allowed.entries, roots, folder / "cache", folder / "notes")
    service = Service(
        identity=Identity("0", ("localhost", "127.0.0.1", "testserver"), START_OF_VALIDITY),
        token=TOKEN, allowed_hosts=(), root=tree.root, take=tree.sample, interval_s=2.0, pages={},
        repos=repos,
    )  # fmt: skip
    repos.shelf.book(None).wait_read(60.0)
    document = describe(routes(service))
    document["paths"] = {
        path: entry for path, entry in document["paths"].items() if path.startswith(OURS)
    }
    found = schemathesis.openapi.from_dict(document)
    found.app = shut(create(service))
    yield found
    asyncio.run(asyncio.to_thread(repos.close))


def shut(app: ASGIApp) -> ASGIApp:
    """Leave out start and end of the service: each request would be both."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await app(scope, receive, send)

    return inner


OPERATIONS = [
    (path, method)
    for path, entry in json.loads(DOCUMENT.read_text())["paths"].items()
    for method in entry
    if path.startswith(OURS)
]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_as_described(schema: Any, path: str, method: str) -> None:
    """Whatever is asked, valid or not, the answer has a status and a shape that are described."""

    @settings(
        max_examples=6, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=schema[path][method].as_strategy())
    def trial(case: Any) -> None:
        response = case.call(headers={"Authorization": f"Bearer {TOKEN}", "Host": "localhost"})
        case.validate_response(
            response,
            checks=[
                checks.not_a_server_error, checks.status_code_conformance,
                checks.content_type_conformance, checks.response_schema_conformance,
            ],
        )  # fmt: skip

    trial()
