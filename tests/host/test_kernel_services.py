# SPDX-License-Identifier: Apache-2.0
"""The kernel services: what the API and the command say is what the kernel says."""

import json
import re
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.service import Service

pytestmark = pytest.mark.guest

MODULES = {"memory": ("ai_mem", "/proc/ai_memory"), "gpu": ("ai_gpu", "/proc/ai_gpu")}


@pytest.fixture(scope="module")
def stats(service: Service) -> Any:
    """``data`` of /api/kernel/stats."""
    return service.get("/api/kernel/stats")


@pytest.mark.parametrize("name", MODULES)
def test_a_service_is_active_where_its_module_answers(host: Host, stats: Any, name: str) -> None:
    module, path = MODULES[name]
    found = stats[name]
    assert found["source"] == path
    assert (found["figures"] is not None) == host.file(path).exists
    assert (found["reason"] is None) == host.file(path).exists
    if not host.file(path).exists:
        # Seen in the sandbox of the agent as outside: not "unreadable", not a guess.
        assert found["state"] in {"absent", "not-needed", "not-loaded"}
        assert module in found["reason"]


def test_the_sandbox_hides_nothing_that_the_verdict_needs(host: Host, stats: Any) -> None:
    outside = json.loads(host.run("codex kernel stats --json").stdout)
    for name, inside in stats.items():
        assert (inside["state"], inside["reason"]) == (
            outside[name]["state"], outside[name]["reason"],
        )  # fmt: skip


def test_the_pool_is_what_the_kernel_says(host: Host, stats: Any) -> None:
    figures = stats["memory"]["figures"]
    if figures is None:
        pytest.skip(stats["memory"]["reason"])
    text = host.check_output("cat /proc/ai_memory")
    told = dict(re.findall(r"^([A-Z][A-Za-z ]+): (\d+)", text, re.MULTILINE))
    assert figures["pool_bytes"] == int(told["Total Pool Size"]) << 20
    assert figures["block_bytes"] == int(told["Block Size"]) << 10
    assert figures["blocks"] == int(told["Total Blocks"])


def test_devices_are_what_the_kernel_says(host: Host, stats: Any) -> None:
    figures = stats["gpu"]["figures"]
    if figures is None:
        pytest.skip(stats["gpu"]["reason"])
    text = host.check_output("cat /proc/ai_gpu")
    told = re.findall(r"^Device: ([0-9a-f]{4}:[0-9a-f]{4})$", text, re.MULTILINE)
    assert [f"{d['vendor_id']}:{d['device_id']}" for d in figures["devices"]] == told


@pytest.mark.parametrize("name", ["ai-mem", "ai-gpu"])
def test_the_verdict_has_a_check_of_each_module(service: Service, name: str) -> None:
    checks = {check["name"]: check for check in service.get("/api/host")["verdict"]["checks"]}
    assert checks[name]["state"] in {"ok", "skipped"}, checks[name]
