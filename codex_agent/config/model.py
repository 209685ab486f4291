# SPDX-License-Identifier: Apache-2.0
"""The configuration of the agent: every key with its type, limits, default and meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Value = float | str | tuple[str, ...] | tuple[tuple[str, ...], ...]

_HOST = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]{2,45}\]?", re.ASCII
)
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Service:
    """``allowed_hosts``: further names of this host; ``sample_interval_s``: 0.5 to 60 s."""

    allowed_hosts: tuple[str, ...] = ()
    sample_interval_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Health:
    """``disk_free_percent_min``: below this a file system degrades the verdict."""

    disk_free_percent_min: float = 5.0


@dataclass(frozen=True, slots=True)
class Log:
    """``level``: the least severe messages that are written."""

    level: str = "info"


@dataclass(frozen=True, slots=True)
class Repos:
    """``roots``: directories in which repositories may be shown; ``codex repos add`` lists them."""

    roots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """All values, each from the highest layer that sets it."""

    service: Service = field(default_factory=Service)
    health: Health = field(default_factory=Health)
    log: Log = field(default_factory=Log)
    repos: Repos = field(default_factory=Repos)


@dataclass(frozen=True, slots=True)
class Key:
    """How a value is checked and read from text; ``expected`` completes "must be …"."""

    default: Value
    expected: str
    check: Callable[[object], Value | None]
    from_text: Callable[[str], object]


def number(low: float, high: float) -> Callable[[object], Value | None]:
    """Return the check of a number from ``low`` to ``high``."""

    def check(value: object) -> Value | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return float(value) if low <= value <= high else None

    return check


def _hosts(value: object) -> Value | None:
    if not isinstance(value, (list, tuple)) or len(value) > 64:
        return None
    names = [name for name in value if isinstance(name, str) and _HOST.fullmatch(name)]
    return tuple(name.lower() for name in names) if len(names) == len(value) else None


def _roots(value: object) -> Value | None:
    if not isinstance(value, (list, tuple)) or len(value) > 32:
        return None
    found = [path for path in value if isinstance(path, str) and _is_root(path)]
    return tuple(found) if len(found) == len(value) else None


def _is_root(path: str) -> bool:
    parts = path.split("/")
    return (
        len(path) <= 1024 and path.isprintable() and path.startswith("/") and len(path) > 1
        and not {"", ".", ".."} & set(parts[1:])
    )  # fmt: skip


def _level(value: object) -> Value | None:
    return value if isinstance(value, str) and value in LEVELS else None


def _text_number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _text_list(text: str) -> object:
    return [part.strip() for part in text.split(",") if part.strip()]


KEYS: dict[str, Key] = {
    "service.allowed_hosts": Key(
        (), "a list of at most 64 host names or addresses", _hosts, _text_list
    ),
    "service.sample_interval_s": Key(
        2.0, "a number of seconds from 0.5 to 60", number(0.5, 60), _text_number
    ),
    "health.disk_free_percent_min": Key(
        5.0, "a percentage from 0 to 100", number(0, 100), _text_number
    ),
    "repos.roots": Key((), "a list of at most 32 whole paths of directories", _roots, _text_list),
    "log.level": Key("info", f"one of {', '.join(LEVELS)}", _level, str),
}


def build(values: dict[str, Value]) -> Config:
    """Return the configuration of checked values under their dotted names."""

    def section(name: str) -> dict[str, Value]:
        prefix = f"{name}."
        return {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}

    return Config(
        service=Service(**section("service")),  # type: ignore[arg-type]
        health=Health(**section("health")),  # type: ignore[arg-type]
        log=Log(**section("log")),  # type: ignore[arg-type]
        repos=Repos(**section("repos")),  # type: ignore[arg-type]
    )
