# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the agent's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.agent.trees import Tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty folder that stands for the root of a host."""
    base = tmp_path / "host"
    base.mkdir()
    return Tree(base)
