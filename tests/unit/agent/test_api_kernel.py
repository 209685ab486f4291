# SPDX-License-Identifier: Apache-2.0
"""The kernel services over the real service: one route of their own, and live in the snapshot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.agent import trees
from tests.unit.agent.running import Running, running
from tests.unit.agent.trees import AI_MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.agent.trees import Tree


@pytest.fixture
def live(tree: Tree, tmp_path: Path) -> Iterator[Running]:
    trees.image(tree)
    with running(tree, tmp_path) as found:
        yield found


def get(live: Running, path: str) -> dict[str, Any]:
    with live.client() as client:
        response = client.get(path, headers=live.bearer)
    assert response.status_code == 200, response.text
    body = response.json()
    assert (list(body), body["success"], body["error"]) == (
        ["success", "data", "error"], True, None,
    )  # fmt: skip
    data: dict[str, Any] = body["data"]
    return data


def test_each_service_has_figures_source_and_age_or_a_reason(live: Running) -> None:
    data = get(live, "/api/kernel/stats")
    assert list(data) == ["scheduler", "memory", "gpu", "tracing"]
    for entry in data.values():
        assert entry["source"]
        assert entry["age_ms"] >= 0
        assert (entry["figures"] is None) == bool(entry["reason"])
    assert data["memory"]["figures"]["owners"][1]["cgroup"] == "/system.slice/a.service"
    assert data["gpu"]["figures"]["devices"][0]["transfers_to"] == 3
    assert data["tracing"]["figures"] is None


def test_the_snapshot_has_the_same_figures(live: Running) -> None:
    host, own = get(live, "/api/host"), get(live, "/api/kernel/stats")
    assert host["services"] == {name: entry["figures"] for name, entry in own.items()}
    for name, entry in own.items():
        assert host["readings"][f"services.{name}"]["reason"] == entry["reason"]


def test_a_token_is_needed(live: Running) -> None:
    with live.client() as client:
        response = client.get("/api/kernel/stats")
    assert response.status_code == 401
    assert response.json()["data"] is None


def test_a_module_that_goes_is_null_with_its_reason(live: Running) -> None:
    for path in ("/proc/ai_gpu", "/sys/module/ai_gpu/initstate"):
        live.tree.remove(path)
    live.tree.path("/sys/module/ai_gpu").rmdir()
    found = get(live, "/api/kernel/stats")["gpu"]
    assert (found["figures"], found["state"]) == (None, "not-needed")
    trees.gpu(live.tree, "0000:00:04.0", "0x00ff00", "0x1234", "0x11e8")
    live.tree.clock.passed += 60
    found = get(live, "/api/kernel/stats")["gpu"]
    assert (found["state"], found["hint"]) == ("not-loaded", "sudo modprobe ai_gpu")


def test_changes_are_pushed(live: Running) -> None:
    with live.listen() as socket:
        assert json.loads(socket.recv())["type"] == "connected"
        first = json.loads(socket.recv())["data"]["services"]["memory"]["allocated_bytes"]
        assert first == 69632
        live.tree.put("/proc/ai_memory", AI_MEMORY.replace("Allocated: 69632", "Allocated: 4096"))
        while True:
            message = json.loads(socket.recv())
            assert message["type"] in ("host", "updates")
            if message["type"] == "updates":
                continue
            if message["data"]["services"]["memory"]["allocated_bytes"] == 4096:
                break
