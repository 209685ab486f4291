# SPDX-License-Identifier: Apache-2.0
"""Reads one layer of configuration: a TOML file, a credential, or the environment.

What only a newer version knows may stand in a file after a rollback: a name that is not known is
told, and left out alone. A value that is wrong leaves out the whole layer.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_agent.config.model import KEYS, Key, Value
from codex_agent.host.reading import Unreadable
from codex_agent.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_agent.host.root import Root

_LIMIT = 64 * 1024  # bytes
_PREFIX = "CODEX_"
_ENVIRONMENT = {_PREFIX + name.replace(".", "_").upper(): name for name in KEYS}
# Other programs use CODEX_ too: only names of our sections are ours to judge.
_SECTIONS = tuple({_PREFIX + name.split(".")[0].upper() + "_" for name in KEYS})


@dataclass(frozen=True, slots=True)
class Layer:
    """The values that one place sets, by dotted name, and where each stands."""

    label: str
    values: dict[str, Value] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def nearest(name: str, known: list[str]) -> str | None:
    """Return the known name that ``name`` was probably meant to be."""
    from difflib import get_close_matches

    found = get_close_matches(name, known, n=1, cutoff=0.6)
    return found[0] if found else None


def _unknown(label: str, name: str, known: list[str], noun: str) -> Problem:
    close = nearest(name, known)
    hint = f"Did you mean {close}?" if close else f"Known are: {', '.join(known)}."
    return Problem(f"{label}: the {noun} {name} is not known.", hint)


def parse(text: str) -> dict[str, object]:
    """Return what a TOML file holds, or raise ``ValueError`` with the reason."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError:
        # Python takes a whole number of some thousand digits for an attack.
        raise ValueError("a number in it is too long") from None


def file_layer(root: Root, path: str, keys: Mapping[str, Key] = KEYS) -> Layer:
    """Read a TOML file; a missing one is an empty layer, a broken one sets nothing."""
    try:
        text = root.text(path, _LIMIT)
    except Unreadable as error:
        if error.absent:
            return Layer(path)
        hint = f"Correct {path} or remove it; the other layers are in use."
        return Layer(path, problems=[Problem(f"{error.reason}.", hint)])
    try:
        content = parse(text)
    except ValueError as error:
        hint = f"Correct {path}; until then the other layers are in use."
        return Layer(path, problems=[Problem(f"{path} is not valid TOML: {error}.", hint)])
    return checked(path, content, keys)


def checked(label: str, content: dict[str, object], keys: Mapping[str, Key] = KEYS) -> Layer:
    """Check what a file holds: what is not known is left out, with a mistake the whole layer."""
    unknown: list[Problem] = []
    problems: list[Problem] = []
    values: dict[str, Value] = {}
    sections = sorted({name.split(".")[0] for name in keys})
    for section, entries in content.items():
        if section not in sections:
            unknown.append(_unknown(label, section, sections, "section"))
        elif not isinstance(entries, dict):
            hint = f"Write it as a section: [{section}]"
            problems.append(Problem(f"{label}: {section} must be a section.", hint))
        else:
            for entry, value in entries.items():
                name = f"{section}.{entry}"
                if name not in keys:
                    unknown.append(_unknown(label, name, sorted(keys), "key"))
                else:
                    _take(label, name, keys[name], value, values, problems)
    if problems:
        return Layer(label, problems=problems + unknown)
    return Layer(label, values, dict.fromkeys(values, label), unknown)


def environment_layer(environment: Mapping[str, str]) -> Layer:
    """Read ``CODEX_<SECTION>_<KEY>``; lists are separated by commas."""
    problems: list[Problem] = []
    values: dict[str, Value] = {}
    places: dict[str, str] = {}
    for variable, text in sorted(environment.items()):
        if variable in _ENVIRONMENT:
            name = _ENVIRONMENT[variable]
            key = KEYS[name]
            label = f"environment: {variable}"
            _take(label, name, key, key.from_text(text), values, problems)
            places[name] = f"environment {variable}"
        elif variable.startswith(_SECTIONS):
            problems.append(_unknown("environment", variable, sorted(_ENVIRONMENT), "variable"))
    if problems:
        return Layer("environment", problems=problems)
    return Layer("environment", values, places)


def _take(
    label: str,
    name: str,
    key: Key,
    value: object,
    values: dict[str, Value],
    problems: list[Problem],
) -> None:
    good = key.check(value)
    if good is None:
        hint = f"{name} must be {key.expected}."
        problems.append(Problem(f"{label}: the value of {name} is not valid.", hint))
    else:
        values[name] = good
