# SPDX-License-Identifier: Apache-2.0
"""The host as updates see it: paths, clocks and programs, all of which a test can replace."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from codex_agent.host.root import Root
from codex_agent.update import program, signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.update.program import Runner

STATE = "/var/lib/codex/update"
ENTRIES = "/efi/EFI/Linux"
# What dm-verity has checked is the best seed there is, and not longer than the root itself.
SEED = "/dev/mapper/root"
_MACHINES = {"x86_64": "x86-64", "aarch64": "arm64"}


def free_bytes(path: Path) -> int:
    """Return how many bytes may still be written below ``path``."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def architecture() -> str:
    """Return the processor of this host by systemd's name."""
    machine = os.uname().machine
    return _MACHINES.get(machine, machine)


@dataclass(frozen=True)
class System:
    """Where things are and what does them; paths are those of the host, below ``root``."""

    root: Root = field(default_factory=Root)
    run: Runner = program.run
    euid: Callable[[], int] = os.geteuid
    free: Callable[[Path], int] = free_bytes
    architecture: Callable[[], str] = architecture
    sleep: Callable[[float], None] = time.sleep
    keyring: str = signature.KEYRING
    seed: str = SEED

    def path(self, name: str) -> Path:
        """Return where a path of the host lies."""
        return Path(self.root.at(name))

    @property
    def state(self) -> Path:
        """Folder of all that updates keep."""
        return self.path(STATE)

    @property
    def stage(self) -> Path:
        """What was fetched and checked, for systemd-sysupdate to read."""
        return self.state / "stage"

    @property
    def chunks(self) -> Path:
        """Chunks of a file that is being put together."""
        return self.state / "chunks"

    @property
    def work(self) -> Path:
        """Where casync writes."""
        return self.state / "work"

    @property
    def entries(self) -> Path:
        """The boot entries."""
        return self.path(ENTRIES)
