# SPDX-License-Identifier: Apache-2.0
"""The ring's library, built once, in the place of the installed one."""

from __future__ import annotations

import pytest

from codex_agent.kernel.memory import native
from tests.unit.kernel import compiled


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> native.Library:
    """Build the library from its sources."""
    return native.Library(compiled.ring_library(tmp_path_factory.mktemp("ring")))


@pytest.fixture
def library(built: native.Library, monkeypatch: pytest.MonkeyPatch) -> native.Library:
    """Use that library."""
    monkeypatch.setattr(native, "library", lambda: built)
    return built
