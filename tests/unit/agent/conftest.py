# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the agent's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.provision.run import Places, places
from tests.unit.agent.provisioned import FIB_TRIE, IF_INET6
from tests.unit.agent.trees import Tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty folder that stands for the root of a host."""
    base = tmp_path / "host"
    base.mkdir()
    return Tree(base)


@pytest.fixture
def host(tree: Tree) -> Tree:
    tree.put("/proc/sys/kernel/hostname", "Codex\n")
    tree.put("/proc/net/fib_trie", FIB_TRIE)
    tree.put("/proc/net/if_inet6", IF_INET6)
    return tree


@pytest.fixture
def where(tmp_path: Path) -> Places:
    return places(str(tmp_path / "machine"))
