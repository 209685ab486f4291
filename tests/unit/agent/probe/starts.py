# SPDX-License-Identifier: Apache-2.0
"""Starts versions in a tree, one boot after the other, as far as the journal of boots sees them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from codex_agent.host.checks import verdict
from codex_agent.host.model import Check
from codex_agent.probe import record
from tests.unit.agent import trees

if TYPE_CHECKING:
    from codex_agent.host.model import HostSnapshot
    from tests.unit.agent.trees import Tree

GUID = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
GPU_DEAD = Check("gpu", "failed", "1 GPU of 1 gave no answer.", "Look.", gates=True)
WARM = Check("disk-space", "degraded", "Space runs out.")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps the journal")


def loader(tree: Tree, name: str, text: str) -> None:
    content = b"\x06\0\0\0" + (text + "\0").encode("utf-16-le")
    tree.put(f"/sys/firmware/efi/efivars/{name}-{GUID}", content)


def start(tree: Tree, version: str, number: int, counter: str = "") -> None:
    """Start a version in the tree: its release, the boot's id, what the loader says."""
    text = trees.IMAGE_RELEASE.replace("0.1.57", version)
    tree.put("/etc/os-release", text)
    tree.put("/proc/sys/kernel/random/boot_id", f"{number:08d}-7e4b-4609-9683-e062d4e35431\n")
    name = f"codex-os_{version}{counter}.efi"
    loader(tree, "LoaderEntrySelected", name)
    path = tree.path(f"/sys/firmware/efi/efivars/LoaderBootCountPath-{GUID}")
    path.unlink(missing_ok=True)
    if counter:
        loader(tree, "LoaderBootCountPath", f"\\EFI\\Linux\\{name}")
    tree.clock.passed += 60


def judged(tree: Tree, *checks: Check) -> HostSnapshot:
    host = tree.sample().shown(tree.clock.monotonic())
    return replace(host, verdict=verdict(list(checks)))


def live(tree: Tree, version: str, number: int, *checks: Check, counter: str = "") -> None:
    """One whole boot, up to its verdict."""
    start(tree, version, number, counter)
    assert record.begin(tree.root) is None
    assert record.finish(tree.root, judged(tree, *checks)) is None
