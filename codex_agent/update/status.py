# SPDX-License-Identifier: Apache-2.0
"""How updates stand on this host: versions, stage, what went wrong, policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.errors import CodexError
from codex_agent.update import boot as booting
from codex_agent.update import lock, rules, state

# Their names have to be there when what is known of updates is described and judged.
from codex_agent.update.boot import Standing  # noqa: TC001 - as above
from codex_agent.update.state import Stage  # noqa: TC001 - as above
from codex_agent.update.sysupdate import Sysupdate

if TYPE_CHECKING:
    from codex_agent.config.update import Loaded as Policies
    from codex_agent.config.update import Policy
    from codex_agent.update.boot import Boot, BootState
    from codex_agent.update.system import System


@dataclass(frozen=True, slots=True)
class Startable:
    """A version that can start; ``whole`` is null where it could not be asked."""

    version: str
    standing: Standing
    tries_left: int | None
    running: bool
    starts_next: bool
    whole: bool | None


@dataclass(frozen=True, slots=True)
class Version(Startable):
    """A version that can start, with the file that does it."""

    file: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The update that was begun and is remembered across starts of the host."""

    stage: Stage
    version: str | None
    since: str | None
    moved_bytes: int
    whole_because: str | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Progress(Begun):
    """The update that was begun; ``under_way`` says that a process works on it now."""

    under_way: bool


@dataclass(frozen=True, slots=True)
class Status:
    """All of it; what is null has its reason in ``problems``."""

    running: str | None
    flavour: str | None
    boot: BootState
    boot_reason: str | None
    versions: list[Version]
    progress: Progress | None
    offered: str | None
    checked_at: str | None
    highest_seen: str | None
    bad: dict[str, str]
    policy: Policy
    problems: list[str]


def read(system: System, policies: Policies) -> Status:
    """Read how updates stand; what may not be read without more privilege is said to be so."""
    boot = booting.read(system.root)
    problems = [problem.message for problem in policies.problems]
    known: state.State | None = None
    try:
        loaded = state.load(system.state)
        known = loaded.state
        if loaded.problem is not None:
            problems.append(loaded.problem)
    except CodexError as error:
        problems.append(error.message)
    whole = _whole(system, boot, problems)
    now = known or state.State()
    starts = booting.starts_next(boot)
    return Status(
        running=boot.running,
        flavour=boot.image.flavour if boot.image else None,
        boot=boot.state,
        boot_reason=boot.reason,
        versions=[
            Version(
                entry.version, entry.standing, entry.left, entry.version == boot.running,
                entry.version == starts, whole.get(entry.version), entry.file,
            )
            for entry in boot.entries
        ],
        progress=None if known is None else _progress(system, known, boot),
        offered=now.offered,
        checked_at=now.checked_at,
        highest_seen=now.highest_seen,
        bad=rules.bad_versions(now, boot),
        policy=policies.policy,
        problems=problems,
    )  # fmt: skip


def _progress(system: System, known: state.State, boot: Boot) -> Progress:
    stage, version = known.stage, known.version
    if stage == "written" and version == boot.running and boot.state == "blessed":
        # It has ended well; the next command that may write says so in the state as well.
        stage, version = "none", None
    return Progress(
        stage, version, known.since, known.moved_bytes, known.whole_because, known.last_error,
        lock.held(system.state),
    )  # fmt: skip


def _whole(system: System, boot: Boot, problems: list[str]) -> dict[str, bool]:
    if boot.image is None:
        return {}
    if system.euid() != 0:
        problems.append("Whether the versions are whole in their slots is only told to root.")
        return {}
    slots = Sysupdate(system.run)
    found: dict[str, bool] = {}
    try:
        for version in sorted({entry.version for entry in boot.entries}):
            described = slots.describe(version)
            found[version] = described is not None and described.whole
    except CodexError as error:
        problems.append(error.message)
    return found
