# SPDX-License-Identifier: Apache-2.0
"""What an update remembers between its stages and across boots: one file, replaced as a whole.

A newer version may have written it before a rollback: what this version knows of it is read, and
what it does not know is kept. A broken file is set aside and said, never a reason to stop.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from codex_agent.config.update import Commands, commands
from codex_agent.provision import files
from codex_agent.update import versions
from codex_agent.update.exits import full

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
NAME = "state.json"
BROKEN = "state.json.broken"

Stage = Literal["none", "fetching", "fetched", "writing", "written"]
_STAGES: tuple[str, ...] = get_args(Stage)
_VERSIONS = ("highest_seen", "version", "previous", "offered", "pinned")
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class State:
    """``version`` is what ``stage`` is about; ``previous`` ran when it was written.

    ``highest_seen`` is the newest version that a signature has vouched for. ``bad`` has, for each
    version that did not start well here, the reason. ``pinned`` is the version that a rollback made
    the default. ``drained`` says that the hooks after an update still have to run; ``drain_after``
    are those of the policy that it was drained by, whatever has become of its file.
    ``restarted_for`` is the boot entry, with its tries, for which the host was restarted, and
    ``restarted_in`` the boot id of the start that ended so.
    """

    stage: Stage = "none"
    version: str | None = None
    previous: str | None = None
    since: str | None = None
    whole_because: str | None = None
    moved_bytes: int = 0
    highest_seen: str | None = None
    offered: str | None = None
    checked_at: str | None = None
    last_error: str | None = None
    pinned: str | None = None
    drained: bool = False
    drain_after: Commands | None = None
    restarted_for: str | None = None
    restarted_in: str | None = None
    bad: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The state, what a newer version has added to it, and a sentence where it was broken."""

    state: State
    more: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


def load(folder: Path) -> Loaded:
    """Read the state; a broken one counts as none."""
    content = files.read(folder / NAME, files.SECRET_FILE)
    if content is None:
        return Loaded(State())
    try:
        return _parse(content)
    except ValueError as error:
        where = folder / NAME
        return Loaded(State(), problem=f"{where} is broken ({error}) and counts as empty.")


def set_aside(folder: Path, loaded: Loaded) -> None:
    """Keep a broken file for whoever wants to look at it; only under the lock."""
    if loaded.problem is not None:
        (folder / NAME).rename(folder / BROKEN)


def store(folder: Path, state: State, more: dict[str, Any]) -> None:
    """Replace the state; it is on the disk when this returns.

    Texts are cut to what ``load`` takes: the last words of a program can be of any length.
    """
    data = {**more, "schema": more.get("schema", SCHEMA), **_cut(asdict(state))}
    content = json.dumps(data, indent=2, sort_keys=True).encode() + b"\n"
    try:
        files.write(folder / NAME, content, files.SECRET_FILE)
    except files.NoRoomError:
        raise full(folder) from None


def _cut(data: dict[str, Any]) -> dict[str, Any]:
    texts = {name: value[:_LONGEST] for name, value in data.items() if isinstance(value, str)}
    return {**data, **texts, "bad": {v: why[:_LONGEST] for v, why in data["bad"].items()}}


def now() -> str:
    """Return the time as it is written down."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def seen(state: State, version: str) -> State:
    """Return the state after a signature has vouched for ``version``."""
    if state.highest_seen is None or versions.compare(version, state.highest_seen) > 0:
        return replace(state, highest_seen=version)
    return state


def _parse(content: bytes) -> Loaded:
    try:
        data = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ValueError("it is not valid JSON") from None
    if not isinstance(data, dict):
        raise ValueError("it is not an object")  # noqa: TRY004 - content, not a call
    schema = data.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ValueError("it has no schema")
    known = {entry.name for entry in fields(State)}
    found: dict[str, Any] = {}
    for name in known & data.keys():
        value = data[name]
        if _fits(name, value):
            found[name] = value
        elif schema <= SCHEMA:
            raise ValueError(f"{name} is not of its type")
        # A newer version may use a name in another way: then this version does not know it.
    if found.get("drain_after") is not None:
        found["drain_after"] = commands(found["drain_after"])
    more = {name: value for name, value in data.items() if name not in known}
    return Loaded(State(**found), more if schema > SCHEMA else {})


def _fits(name: str, value: object) -> bool:
    if name == "stage":
        return isinstance(value, str) and value in _STAGES
    if name == "drained":
        return isinstance(value, bool)
    if name == "drain_after":
        return value is None or commands(value) is not None
    if name == "moved_bytes":
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    if name == "bad":
        return isinstance(value, dict) and all(
            versions.valid(key) and _text(entry) for key, entry in value.items()
        )
    if name in _VERSIONS:
        return value is None or (isinstance(value, str) and versions.valid(value))
    return value is None or _text(value)


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST
