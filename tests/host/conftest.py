# SPDX-License-Identifier: Apache-2.0
"""What kind of host is judged, and what is therefore expected of it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import facts

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.support.service import Service


@pytest.fixture(scope="session")
def delivery(host: Host) -> str:
    """``image`` for a host that booted from an image of ours, ``host`` for any other."""
    return "image" if facts.os_release(host).get("IMAGE_ID") == "codex-os" else "host"


@pytest.fixture(scope="session")
def expected(delivery: str) -> dict[str, Any]:
    """What differences.toml expects of this delivery, by name."""
    table = tomllib.loads((Path(__file__).parent / "differences.toml").read_text(encoding="utf-8"))
    return {name: entry[delivery] for name, entry in table.items()}


@pytest.fixture(scope="module")
def snapshot(service: Service) -> Any:
    """``data`` of /api/host, asked once a module."""
    return service.get("/api/host")
