# SPDX-License-Identifier: Apache-2.0
"""The policy of updates: /etc/codex/update.toml over /usr/lib/codex/update.toml.

A file of its own: it is the operator's word on what this host may do by itself.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from codex_agent.config import window
from codex_agent.config.layers import file_layer
from codex_agent.config.model import Key, Value, number
from codex_agent.problem import Problem

if TYPE_CHECKING:
    from codex_agent.host.root import Root

VENDOR = "/usr/lib/codex/update.toml"
HOST = "/etc/codex/update.toml"
Mode = Literal["never", "notify", "download", "apply"]
MODES = ("never", "notify", "download", "apply")
Commands = tuple[tuple[str, ...], ...]
_TEXT = 1024
_COMMANDS_BYTES = 16 * 1024
# The longest pause of codex-update.timer: OnUnitInactiveSec=, RandomizedDelaySec=, and the minute
# that systemd allows itself (AccuracySec=).
TIMER_MIN = 15 + 5 + 1


@dataclass(frozen=True, slots=True)
class Policy:
    """What the host may do by itself, and where updates come from.

    ``mode``: never looks; looks and says so (notify); fetches as well (download); writes and starts
    the new version inside of ``window`` (apply). ``jitter_s``: each host begins so much later at
    most, always by the same time. ``drain_before`` runs before the restart, ``drain_after`` when
    the host is back, whichever version that is. ``ca_file``: an authority of your own for https.
    ``allow_http``: permits http:// on a test network. ``page``: whoever has the token of the agent
    may ask on its page for a signed version of ``source``, for the way back, and for the restart.
    """

    mode: Mode
    source: str
    window: str
    jitter_s: float
    drain_before: Commands
    drain_after: Commands
    ca_file: str
    allow_http: bool
    page: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """The policy, the place that sets each key, and what was wrong."""

    policy: Policy
    places: dict[str, str]
    problems: list[Problem]


def _mode(value: object) -> Value | None:
    return value if isinstance(value, str) and value in MODES else None


def _line(value: object) -> Value | None:
    good = isinstance(value, str) and len(value) <= _TEXT and (not value or value.isprintable())
    return cast("str", value) if good else None


def _path(value: object) -> Value | None:
    text = _line(value)
    return text if isinstance(text, str) and (not text or text.startswith("/")) else None


def _flag(value: object) -> Value | None:
    return value if isinstance(value, bool) else None


def _window(value: object) -> Value | None:
    text = _line(value)
    if isinstance(text, str) and text:
        try:
            window.parse(text)
        except ValueError:
            return None
    return text


def _command(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not 0 < len(value) <= 64:
        return None
    words = [word for word in value if isinstance(word, str) and len(word) <= _TEXT]
    whole = len(words) == len(value) and words[0].startswith("/") and "\0" not in "".join(words)
    return tuple(words) if whole else None


def commands(value: object) -> Commands | None:
    """Return commands; those of a drained host are kept in its state, so they have a size."""
    if not isinstance(value, list) or len(value) > 16:
        return None
    found = [command for entry in value if (command := _command(entry)) is not None]
    if len(found) < len(value) or len(json.dumps(found)) > _COMMANDS_BYTES:
        return None
    return tuple(found)


_COMMANDS = 'a list of commands (16 KiB at most), each a list of words: [["/usr/bin/x", "word"]]'
KEYS: dict[str, Key] = {
    "update.mode": Key("notify", f"one of {', '.join(MODES)}", _mode, str),
    "update.source": Key("", "https://host/path, file:///path or /path", _line, str),
    "update.window": Key("", 'days and times such as "Sat 02:00-04:00"', _window, str),
    "update.jitter_s": Key(0.0, "a number of seconds from 0 to 86400", number(0, 86400), str),
    "update.drain_before": Key((), _COMMANDS, commands, str),
    "update.drain_after": Key((), _COMMANDS, commands, str),
    "update.ca_file": Key("", "the path of a PEM file", _path, str),
    "update.allow_http": Key(False, "true or false", _flag, str),
    "update.page": Key(True, "true or false", _flag, str),
}


def _window_problems(policy: Policy) -> list[Problem]:
    """Return why a host with this policy would never, or not always, be met in its window."""
    if policy.mode != "apply":
        return []
    then = "so the timer and the page do nothing"
    if not policy.window:
        text = f'The policy of updates has mode = "apply" and no window, {then}.'
        hint = f'Set window in {HOST}, such as "Sat 02:00-04:00", or mode = "download".'
        return [Problem(text, hint)]
    found = window.parse(policy.window)
    if found.minutes - found.latest_s(policy.jitter_s) / 60 >= TIMER_MIN:
        return []
    least = min(TIMER_MIN + math.ceil(policy.jitter_s / 60), 2 * TIMER_MIN)
    text = f'The window of updates "{policy.window}" may pass between two looks at it, {then}.'
    hint = f"Make it {least} min or longer in {HOST}: one look follows another after {TIMER_MIN}."
    return [Problem(text, hint)]


def load(root: Root) -> Loaded:
    """Read both files; one with a mistake is left out as a whole, a key that is not known alone.

    Both are told as a problem, and with one a host does nothing new by itself.
    """
    values: dict[str, Value] = {name: key.default for name, key in KEYS.items()}
    places = dict.fromkeys(KEYS, "built in")
    problems: list[Problem] = []
    for path in (VENDOR, HOST):
        layer = file_layer(root, path, KEYS)
        values.update(layer.values)
        places.update(layer.places)
        problems += layer.problems
    policy = Policy(**{n.removeprefix("update."): v for n, v in values.items()})  # type: ignore[arg-type]
    if not problems:
        problems += _window_problems(policy)
    return Loaded(policy, places, problems)
