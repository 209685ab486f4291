# SPDX-License-Identifier: Apache-2.0
"""Cards in the slots of a tree, and starts of it as probes and gate see them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from codex_agent.cli import gate, main, status
from codex_agent.host import boots, pci
from codex_agent.probe import answered, gpu
from tests.unit.agent import trees
from tests.unit.agent.probe.starts import judged, start

if TYPE_CHECKING:
    import pytest

    from codex_agent.host.model import Check
    from tests.unit.agent.trees import Tree

FIRST, SECOND, THIRD = "0000:3b:00.0", "0000:5e:00.0", "0000:86:00.0"
TRIAL = "+2-1"
GOOD = {"nvidia": lambda _root, addresses: [gpu.Question(addresses, lambda: 0)]}
DEAD = {"nvidia": lambda _root, addresses: [gpu.Question(addresses, lambda: 1)]}
LOST = f"{FIRST} (10de:2330) answered with nvidia at the last good boot and"


def card(tree: Tree, address: str, driver: str | None = "nvidia", device: str = "0x2330") -> None:
    """Put a card into a slot, in place of what is there."""
    pull(tree, address)
    trees.gpu(tree, address, "0x030200", "0x10de", device, driver=driver)


def pull(tree: Tree, address: str) -> None:
    shutil.rmtree(tree.path(f"{pci.DEVICES}/{address}"), ignore_errors=True)


class Host:
    """A host that is started again and again, as probes and gate see it."""

    def __init__(self, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tree, self.number = tree, 0
        self.check: Check | None = None
        monkeypatch.setattr(status, "Root", lambda: tree.root)
        monkeypatch.setattr(gate, "wait", lambda _root, _timeout: judged(tree, self.found))

    @property
    def found(self) -> Check:
        assert self.check is not None
        return self.check

    def boot(self, counter: str = "", drivers: Any = GOOD, version: str = "0.1.57") -> str:
        """Start it once, ask the GPUs and judge it; return the verdict."""
        self.number += 1
        start(self.tree, version, self.number, counter)
        self.check = gpu.ask(self.tree.root, "general", drivers)
        main.main(["status", "--gate"])
        return str(boots.journal(self.tree.root)[-1].verdict)


def kept(tree: Tree) -> list[tuple[str, bool]]:
    return [(entry.address, entry.lost) for entry in answered.read(tree.root).gpus]
