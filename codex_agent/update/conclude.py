# SPDX-License-Identifier: Apache-2.0
"""What is concluded after a start: what could not even be loaded, the boot loader, the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.update import boot as booting
from codex_agent.update import fallback, loader, rollback
from codex_agent.update.exits import UpdateError

if TYPE_CHECKING:
    from codex_agent.update.boot import Entry
    from codex_agent.update.flow import Turn

_NOT_LOADED = "the boot loader could not start its file, and the firmware fell back"

NOT_ASKED = (
    "The firmware took its last option and did not start the boot loader: version {} was not "
    "tried, and starts with the next restart."
)


def conclude(turn: Turn) -> tuple[bool, str]:
    """Draw the conclusions; returns whether something had to be changed, and what is so now."""
    _not_loaded(turn)
    renewed = _loader(turn)
    changed, text = _way_back(turn)
    return changed or bool(renewed), "\n".join([*renewed, text])


def _way_back(turn: Turn) -> tuple[bool, str]:
    entry = fallback.choose(turn.boot, turn.state.bad, booting.starts_next(turn.boot))
    if entry is None:
        return False, "No version here was found good: the firmware has nothing to fall back to."
    try:
        changed = fallback.point(turn.updater.system, entry, turn.keep)
    except UpdateError as error:
        return False, error.message
    return changed, f"The firmware falls back to {entry.version}."


def fall_back_to(turn: Turn, entry: Entry | None) -> bool:
    """Have the firmware fall back to an entry; where it cannot, that is said and no more.

    An update is not worth less on a machine whose firmware keeps no options.
    """
    if entry is None or entry.standing != "good":
        return False
    try:
        return fallback.point(turn.updater.system, entry, turn.keep)
    except UpdateError as error:
        turn.updater.say(error.message)
        return False


def _loader(turn: Turn) -> list[str]:
    """Look after the boot loader; what cannot be done is said, and stops nothing else."""
    if turn.boot.state != "blessed":
        return []
    good = [entry.version for entry in turn.boot.entries if entry.standing == "good"]
    try:
        damaged = loader.damaged(turn.updater.system.root)
        done = loader.renew(turn.updater.system, newest=good[-1:] == [turn.running])
    except UpdateError as error:
        turn.note(last_error=error.message)
        turn.updater.say(error.message)
        return []
    if damaged:
        turn.note(last_error=done[0][:500])
    return done


def _not_loaded(turn: Turn) -> None:
    """Give up the version that the boot loader could not start, so that the firmware did."""
    system = turn.updater.system
    try:
        if not fallback.read(system.run, turn.keep).started_ours:
            return
    except UpdateError as error:
        turn.updater.say(error.message)
        return
    failed, mine = booting.starts_next(turn.boot), turn.boot.of(turn.running)
    if failed is None or failed == turn.running or mine is None:
        return
    if (entry := turn.boot.of(failed)) is not None and entry.standing == "counted":
        # The boot loader counts its tries, and gives it up by itself. It does so before it loads
        # the file: where none was used, the firmware did not ask it.
        if not entry.done:
            turn.note(last_error=NOT_ASKED.format(failed))
        return
    if not booting.loader_ran(system.root):
        # No version is to be blamed for what starts all of them; and what does not run takes no
        # orders from bootctl.
        return
    rollback.set_default(system.run, system.root, mine, turn.keep, once=False)
    bad = {**turn.state.bad, failed: _NOT_LOADED}
    text = f"Version {failed} was given up: {_NOT_LOADED}."
    turn.note(pinned=turn.running, bad=bad, stage="none", version=None, last_error=text)
    turn.boot = booting.read(system.root)
