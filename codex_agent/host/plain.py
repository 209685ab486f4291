# SPDX-License-Identifier: Apache-2.0
"""Turns the dataclasses of a snapshot into what JSON can hold."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any


@cache
def _fields(kind: Any) -> tuple[tuple[str, str], ...]:
    """Return attribute and JSON name of each field; ``class`` cannot be an attribute in Python."""
    return tuple(
        (entry.name, entry.metadata.get("json", entry.name)) for entry in dataclasses.fields(kind)
    )


def plain(value: Any) -> Any:
    """Return a dataclass as nested dicts and lists."""
    if isinstance(value, (str, int, float)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return {name: plain(getattr(value, attribute)) for attribute, name in _fields(value.__class__)}


def lasting(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Return a plain snapshot without what changes by itself as time goes by.

    Two snapshots that are equal in this form tell their reader nothing new.
    """
    kept = {k: v for k, v in snapshot.items() if k not in ("taken_at", "uptime_s", "readings")}
    kept["readings"] = {
        path: (entry["source"], entry["reason"]) for path, entry in snapshot["readings"].items()
    }
    return kept
