# SPDX-License-Identifier: Apache-2.0
"""Looks at what is offered, says what would be new, and whether this host would take it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.update import manifest, rules, space
from codex_agent.update.exits import Exit, UpdateError

# Its name has to be there when what is kept of a look is described and judged.
from codex_agent.update.manifest import Change  # noqa: TC001 - as above

if TYPE_CHECKING:
    from codex_agent.update.fetch import Fetcher
    from codex_agent.update.flow import Turn, Updater, Wish
    from codex_agent.update.release import Release


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why this host would not take it now."""

    message: str
    hint: str | None
    exit_code: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a source offers to this host; ``changes`` is null where they are not known."""

    running: str
    version: str
    newer: bool
    built_at: str
    kernel: str
    key: str
    whole_bytes: int
    versions: list[str]
    refused: Refusal | None
    changes: list[Change] | None

    @property
    def exit(self) -> int:
        """Return what the command ends with."""
        if self.refused is not None:
            return self.refused.exit_code
        return int(Exit.OFFERED if self.newer else Exit.DONE)


def check(updater: Updater, wish: Wish) -> Found:
    """Look, under the lock where that can be had, so that what was seen is remembered."""
    if updater.system.euid() == 0:
        try:
            with updater.alone() as turn:
                return look(turn, wish)
        except UpdateError as error:
            if error.kind is not Exit.BUSY:
                raise
    return look(updater.aside(), wish)


def look(turn: Turn, wish: Wish) -> Found:
    """Look in a turn that was taken, and tell whoever wants to know what was found."""
    with turn.updater.source(wish) as fetcher:
        found = turn.look(wish, fetcher)
        release = found.release
        image = rules.running_image(turn.boot)
        newer, refused = False, None
        try:
            newer = turn.judge(release, wish)
            # Boot entries and free space are only told to root.
            if newer and turn.remembers:
                rules.blessed(turn.boot)
                space.enough(turn.updater.system, release, turn.boot)
        except UpdateError as error:
            refused = Refusal(error.message, error.hint, error.exit_code)
        changes = _changes(turn, release, fetcher) if newer else None
    result = Found(
        running=image.version,
        version=release.version,
        newer=newer,
        built_at=release.built_at,
        kernel=release.kernel,
        key=found.key,
        whole_bytes=sum(file.bytes for file in release.files.values()),
        versions=list(found.versions),
        refused=refused,
        changes=changes,
    )
    turn.updater.found(result)
    return result


def _changes(turn: Turn, release: Release, fetcher: Fetcher) -> list[Change] | None:
    """Return the packages that differ; a source without its manifest says nothing of it."""
    file = release.files.get("manifest")
    before = manifest.installed(turn.updater.system.root)
    if file is None or before is None or file.bytes > manifest.LIMIT:
        return None
    try:
        content = fetcher.small(file.name, file.bytes)
    except UpdateError:
        return None
    if hashlib.sha256(content).hexdigest() != file.sha256:
        return None
    after = manifest.packages(content)
    return None if after is None else manifest.changes(before, after)
