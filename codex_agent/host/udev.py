# SPDX-License-Identifier: Apache-2.0
"""What udev knows about block devices: partition type, number, UUID and disk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable

if TYPE_CHECKING:
    from codex_agent.host.root import Root

DATA = "/run/udev/data"


@dataclass(frozen=True, slots=True)
class Partition:
    """A GPT partition; ``disk`` is ``major:minor``, ``type`` and ``uuid`` are lower case."""

    number: int
    type: str
    uuid: str
    disk: str


def properties(root: Root, device: str) -> dict[str, str]:
    """Return the properties that udev holds for ``major:minor``, or raise ``Unreadable``."""
    found: dict[str, str] = {}
    for entry in root.text(f"{DATA}/b{device}").splitlines():
        if entry.startswith("E:"):
            name, _, value = entry[2:].partition("=")
            found[name] = value
    return found


def partition(root: Root, device: str) -> Partition:
    """Return the partition that ``major:minor`` is, or raise ``Unreadable``."""
    known = properties(root, device)
    number = known.get("ID_PART_ENTRY_NUMBER", "")
    disk = known.get("ID_PART_ENTRY_DISK", "")
    if not re.fullmatch(r"[0-9]{1,4}", number, re.ASCII):
        raise Unreadable(f"udev names no partition number for device {device}")
    if not re.fullmatch(r"[0-9]{1,9}:[0-9]{1,9}", disk, re.ASCII):
        raise Unreadable(f"udev names no disk for device {device}")
    kind = known.get("ID_PART_ENTRY_TYPE", "").lower()
    return Partition(int(number), kind, known.get("ID_PART_ENTRY_UUID", "").lower(), disk)
