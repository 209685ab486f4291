# SPDX-License-Identifier: Apache-2.0
"""The order of the house: who may import whom, what is locked, what is written down."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

from codex_agent.api.app import routes
from codex_agent.api.description import describe
from codex_agent.api.envelope import encode
from codex_agent.api.service import Identity, Service
from tests.unit.agent.trees import START_OF_VALIDITY, Tree

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGE = REPOSITORY / "codex_agent"
BELOW = ("host", "config", "provision", "kernel", "probe", "update", "state", "repos")
ABOVE = ("api", "cli", "web")
SERVICE_ONLY = ("fastapi", "starlette", "uvicorn", "pydantic", "pydantic_core", "websockets")


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((PACKAGE / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", sources(*BELOW), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_libraries_do_not_import_interfaces(path: Path) -> None:
    for name in imports(path):
        assert not name.startswith(tuple(f"codex_agent.{above}" for above in ABOVE)), name
        assert name.split(".")[0] not in SERVICE_ONLY, name


@pytest.mark.parametrize("path", sources("host"), ids=lambda p: p.name)
def test_readers_stand_alone(path: Path) -> None:
    for name in imports(path):
        assert not name.startswith(("codex_agent.config", "codex_agent.provision")), name
        assert name.split(".")[0] != "cryptography"


@pytest.mark.parametrize("path", sources("kernel"), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_kernel_clients_use_only_how_files_are_read(path: Path) -> None:
    """The readers use them in turn: more than this would be a circle."""
    for name in imports(path):
        assert not name.startswith(("codex_agent.config", "codex_agent.provision")), name
        if name.startswith("codex_agent.host."):
            assert name.split(".")[2] in ("reading", "root", "text"), name


def test_the_check_of_imports_can_fail(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("def f():\n    from codex_agent.api import app\n")
    assert "codex_agent.api.app" in imports(path)


@pytest.mark.parametrize(
    "path",
    [
        *PACKAGE.glob("*.py"),
        *sources(*BELOW, "api", "cli"),
        *sorted(Path(__file__).parent.rglob("*.py")),
    ],
    ids=lambda p: str(p.relative_to(REPOSITORY)),
)
def test_files_are_short_and_licensed(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0] == "# SPDX-License-Identifier: Apache-2.0"
    assert len(lines) < 400


def describe_service(tree: Tree) -> bytes:
    service = Service(
        identity=Identity("0", (), START_OF_VALIDITY), token="t" * 32, allowed_hosts=(),
        root=tree.root, take=tree.sample, interval_s=2.0, pages={},
    )  # fmt: skip
    return encode(describe(routes(service)))


def test_openapi_document_is_current(tree: Tree) -> None:
    """docs/openapi.json is made by: python -m codex_agent.api > docs/openapi.json."""
    stored = (REPOSITORY / "docs" / "openapi.json").read_bytes()
    assert stored == describe_service(tree), "make it anew: python -m codex_agent.api"


def test_openapi_document_is_closed(tree: Tree) -> None:
    document = json.loads(describe_service(tree))
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    used = set(re.findall(r'"\$ref":\s*"([^"]+)"', json.dumps(document)))
    assert used <= known
    assert set(document["paths"]) == {
        "/health", "/health/ready", "/api/host", "/api/kernel/stats", "/api/session",
        "/api/updates",
        "/api/repos", "/api/commits", "/api/commits/stream", "/api/commits/paginated",
        "/api/commits/lookup", "/api/commits/{sha}", "/api/patch", "/api/compare", "/api/search",
        "/api/graph", "/api/branches/graph", "/api/files/heatmap", "/api/files/stream",
        "/api/files/tree", "/api/files/history", "/api/files/content", "/api/files/blame",
        "/api/metrics/{name}", "/api/comments/{commit_sha}",
        "/api/comments/{commit_sha}/{comment_id}", "/api/views/share", "/api/views/{view_id}",
    }  # fmt: skip
    open_routes = {
        (path, method)
        for path, entry in document["paths"].items()
        for method, route in entry.items()
        if not route.get("security")
    }
    assert open_routes == {
        ("/health", "get"), ("/api/session", "post"), ("/api/session", "delete"),
    }  # fmt: skip


def requirements(name: str) -> list[str]:
    lines = (REPOSITORY / "requirements" / name).read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def test_direct_dependencies_are_said_once() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert sorted(requirements("agent.in")) == sorted(project["dependencies"])


@pytest.mark.parametrize("name", ["agent.txt", "dev.txt"])
def test_locks_have_hashes_and_no_addresses(name: str) -> None:
    text = (REPOSITORY / "requirements" / name).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    entries = re.split(r"\n(?=[a-z0-9])", "\n" + "\n".join(requirements(name)), flags=re.IGNORECASE)
    packages = [entry for entry in entries if "==" in entry]
    assert packages
    for entry in packages:
        assert "--hash=sha256:" in entry, entry


def test_agent_lock_is_part_of_the_tools_lock() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (REPOSITORY / "requirements" / name).read_text()
        return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", text, re.MULTILINE))

    assert pins("agent.txt").items() <= pins("dev.txt").items()
