# SPDX-License-Identifier: Apache-2.0
"""Hosts without any difference, to which a test adds one."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.state import layer
from tests.unit.agent import trees

if TYPE_CHECKING:
    from tests.unit.agent.trees import Tree

VERSION = "0.1.57"
WORDS = f"console=ttyS0 roothash={trees.HASH} lockdown=integrity"
RESET_WORDS = f"{WORDS} codex.factory_reset=ask"
ENTRY = f"/efi/EFI/Linux/codex-os_{VERSION}.efi"
LOADER = Path(__file__).resolve().parents[4] / "images/tree/efi/loader/loader.conf"
KERNEL = "7.3.4+deb13-amd64"


def program(*command_lines: str, name: bytes = b".cmdline") -> bytes:
    """A PE program with these sections, as far as it is read."""
    count = len(command_lines)
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    head += b"PE\0\0" + struct.pack("<HH12xHH", 0x8664, count, 0, 0)
    at = len(head) + 40 * count
    table, data = b"", b""
    for text in command_lines:
        content = text.encode()
        raw = content + bytes(-len(content) % 512)
        table += struct.pack("<8sIIII16x", name, len(content), 0, len(raw), at + len(data))
        data += raw
    return head + table + data


@pytest.fixture
def image(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """An image as its version has it, with Secure Boot."""
    monkeypatch.setattr(layer, "_OWNER", os.geteuid())
    trees.image_secure_boot(tree)
    for folder in ("network", "ssh"):
        (tree.base / "etc/codex" / folder).mkdir(parents=True)
    tree.put("/proc/cmdline", f"{WORDS}\n")
    tree.put(ENTRY, program(WORDS, RESET_WORDS))
    tree.put(f"/efi/EFI/Linux/codex-os-reset_{VERSION}.efi", program(RESET_WORDS))
    for path in ("EFI/BOOT/BOOTX64.EFI", "EFI/systemd/systemd-bootx64.efi", "loader/entries.srel"):
        tree.put(f"/efi/{path}", "x")
    tree.put("/efi/loader/loader.conf", LOADER.read_text())
    tree.put("/proc/modules", "ai_mem 1 0 - Live 0x0 (O)\next4 9 1 - Live 0x0\n")
    tree.put(
        f"/usr/lib/modules/{KERNEL}/modules.dep",
        "kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2.ko.xz\nupdates/codex/ai_mem.ko.xz:\n",
    )
    tree.put("/proc/sys/kernel/tainted", "4096\n")
    return tree


@pytest.fixture
def plain(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A host that Ansible keeps, with our package."""
    monkeypatch.setattr(layer, "_OWNER", os.geteuid())
    trees.mutable_host(tree)
    (tree.base / "etc/codex").mkdir(parents=True)
    tree.put("/proc/modules", "ext4 9 1 - Live 0x0\n")
    tree.put(f"/usr/lib/modules/{KERNEL}/modules.dep", "kernel/fs/ext4/ext4.ko.xz:\n")
    tree.put("/usr/bin/codex", "#!/bin/sh\n")
    digest = hashlib.md5(b"#!/bin/sh\n", usedforsecurity=False).hexdigest()
    tree.put("/var/lib/dpkg/info/codex-agent.md5sums", f"{digest}  usr/bin/codex\n")
    return tree
