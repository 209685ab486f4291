# SPDX-License-Identifier: Apache-2.0
"""What is new in a version: the packages that its manifest has otherwise than this host."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable

if TYPE_CHECKING:
    from codex_agent.host.root import Root

LIMIT = 16 * 1024**2  # bytes
_DPKG = "/usr/lib/sysimage/dpkg/status"
_FIELD = re.compile(r"^(Package|Version|Status): (.+)$", re.MULTILINE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Change:
    """A package that is other than before; ``before`` is null for a new one, ``after`` if gone."""

    package: str
    before: str | None
    after: str | None


def packages(content: bytes) -> dict[str, str] | None:
    """Return name and version of each package in a manifest, None where it has none."""
    try:
        data = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        return None
    entries = data.get("packages") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        return None
    found: dict[str, str] = {}
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else None
        version = entry.get("version") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(version, str):
            return None
        found[name] = version
    return found


def changes(before: dict[str, str], after: dict[str, str]) -> list[Change]:
    """Return the packages that differ, by name."""
    names = sorted(before.keys() | after.keys())
    return [
        Change(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def installed(root: Root) -> dict[str, str] | None:
    """Return name and version of each package of this host, None where dpkg's list is not there."""
    try:
        text = root.text(_DPKG, LIMIT)
    except Unreadable:
        return None
    found: dict[str, str] = {}
    for paragraph in text.split("\n\n"):
        entry = dict(_FIELD.findall(paragraph))
        if (
            entry.get("Status", "").endswith(" installed")
            and {"Package", "Version"} <= entry.keys()
        ):
            found[entry["Package"]] = entry["Version"]
    return found or None
