# SPDX-License-Identifier: Apache-2.0
"""One update in a turn: fetched, written into the other slot, and chosen for the next start.

Each stage is written down before it begins and after it ended. A run that was cut is simply run
again: it looks anew at what is offered, and every file, chunk and slot that is already whole is
found and not made a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.update import boot as booting
from codex_agent.update import conclude, failing, rollback, rules, space, state, sysupdate, versions
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Outcome
from codex_agent.update.source import Broken, Missing
from codex_agent.update.stage import Stage, Staged, staged, whole

if TYPE_CHECKING:
    from codex_agent.update.boot import Entry
    from codex_agent.update.fetch import Fetcher
    from codex_agent.update.flow import Turn, Wish
    from codex_agent.update.offer import Offer
    from codex_agent.update.release import Release


def apply(turn: Turn, wish: Wish) -> Outcome:
    """Fetch, write, and leave the rest to the next boot."""
    try:
        with turn.updater.source(wish) as fetcher:
            return _from(turn, turn.look(wish, fetcher), wish, fetcher)
    except UpdateError as error:
        found = _without_source(turn, wish, error)
        if found is None:
            raise
        turn.updater.say(f"{error.message} What was fetched before is whole, and is used.")
        return _from(turn, found, wish, None)


def _without_source(turn: Turn, wish: Wish, error: UpdateError) -> Offer | None:
    """Return what lies whole in the stage when the source cannot be reached."""
    gone = isinstance(error, (Broken, Missing)) or error.kind is Exit.UNREACHABLE
    version = turn.state.version
    ready = turn.state.stage in ("fetched", "writing") and version is not None
    if not gone or not ready or version is None or wish.version not in (None, version):
        return None
    system = turn.updater.system
    return staged(system, turn.updater.verify, system.architecture(), version)


def _from(turn: Turn, found: Offer, wish: Wish, fetcher: Fetcher | None) -> Outcome:
    release = found.release
    version = release.version
    if not turn.judge(release, wish):
        return Outcome(False, version, f"Version {version} is running; nothing is newer.")
    rules.blessed(turn.boot)
    if not wish.fetch_only:
        _not_chosen(turn, version, by_itself=wish.by_itself)
        failing.judge(turn, by_itself=wish.by_itself)
    entry = turn.boot.of(version)
    if entry is not None and _in_slot(turn, version):
        return _written_before(turn, entry, wish)
    ready = (turn.state.stage, turn.state.version) == ("fetched", version)
    # What was noted may have been lost since. The timer asks often, so it does not read it all.
    if wish.fetch_only and ready and whole(turn.updater.system, release, hashed=not wish.by_itself):
        return Outcome(False, version, f"Version {version} is already fetched.")
    done = Staged(0, turn.state.whole_because, None, None)
    if fetcher is not None:
        done = _fetch(turn, found, fetcher)
    text = f"Version {version} is fetched; codex update apply writes it."
    if not wish.fetch_only:
        _write(turn, release)
        text = f"Version {version} is written and starts at the next restart."
    return Outcome(
        True, version, text, done.moved, done.whole_because, done.reused, done.uki_because
    )


def _not_chosen(turn: Turn, version: str, *, by_itself: bool) -> None:
    """Refuse by itself to write over what a person chose for the next start; tell a person."""
    chosen = booting.set_next(turn.boot)
    if chosen in (None, turn.running, version):
        return
    if not by_itself:
        text = f"Version {chosen}, which was chosen for the next start, is written over."
        turn.updater.say(text)
        return
    text = f"An operator goes back to {chosen} at the next restart; nothing is written over it."
    hint = f"Restart into it, or take {version} in its place: codex update apply"
    raise UpdateError(Exit.BY_POLICY, text, hint)


def _in_slot(turn: Turn, version: str) -> bool:
    found = turn.slots.describe(version)
    return found is not None and found.whole


def _written_before(turn: Turn, entry: Entry, wish: Wish) -> Outcome:
    """Choose a version again that lies in the other slot; nothing is moved."""
    if wish.fetch_only:
        return Outcome(False, entry.version, f"Version {entry.version} is already written.")
    changed = False
    if entry.standing == "bad":
        rollback.try_again(turn.updater.system.entries, entry)
        changed = True
    turn.boot = booting.read(turn.updater.system.root)
    changed = _choose(turn, entry.version) or changed or turn.state.stage != "written"
    bad = {v: why for v, why in turn.state.bad.items() if v != entry.version}
    turn.note(
        stage="written", version=entry.version, previous=turn.running, bad=bad, last_error=None
    )
    _clear(turn)
    text = f"Version {entry.version} is already written and starts at the next restart."
    return Outcome(changed, entry.version, text)


def _fetch(turn: Turn, found: Offer, fetcher: Fetcher) -> Staged:
    release = found.release
    updater = turn.updater
    space.enough(updater.system, release, turn.boot)
    before = turn.state.moved_bytes if turn.state.version == release.version else 0
    turn.note(
        stage="fetching", version=release.version, previous=turn.running, since=state.now(),
        whole_because=None, last_error=None,
    )  # fmt: skip
    entry = turn.boot.of(turn.running)
    uki = updater.system.entries / entry.file if entry is not None else None
    stage = Stage(updater.system, turn.keep, updater.tell, updater.say, uki)
    stage.prepare(release)
    done = stage.fill(found, fetcher)
    turn.note(stage="fetched", whole_because=done.whole_because, moved_bytes=before + done.moved)
    return done


def _write(turn: Turn, release: Release) -> None:
    system = turn.updater.system
    # Also for what was fetched before: nothing has asked for it since.
    space.fits_slot(system, release, turn.boot)
    turn.note(stage="writing", version=release.version, previous=turn.running)
    # The other slot is about to go, and with it what the firmware could fall back to.
    conclude.fall_back_to(turn, turn.boot.of(turn.running))
    turn.updater.say(f"Version {release.version} is being written into the other slot.")
    dropins = system.path(sysupdate.DROPINS)
    sysupdate.name_partitions(dropins, release)
    try:
        turn.slots.write(release.version, sysupdate.in_bytes(release, turn.updater.tell))
    finally:
        sysupdate.forget_partitions(dropins)
    after = booting.read(system.root)
    entry = after.of(release.version)
    if entry is None or entry.standing == "bad":
        text = f"Version {release.version} has no boot entry after it was written."
        raise UpdateError(Exit.NOT_WRITTEN, text, f"ls {system.entries}")
    turn.boot = after
    _choose(turn, release.version)
    # What runs was found good, and is what the new version falls back to: nobody leaves it for
    # another any more.
    cleared = (release.version, turn.running)
    bad = {v: why for v, why in turn.state.bad.items() if v not in cleared}
    turn.note(stage="written", bad=bad, last_error=None)
    _clear(turn)


def _choose(turn: Turn, version: str) -> bool:
    """See to it that a version starts next: the boot loader prefers the newest by itself.

    An older one is started once, and made the default when it was found good (``Turn.settle``): as
    the default it would be started again and again, however bad it is.
    """
    system = turn.updater.system
    cleared = rollback.clear_default(system.run, system.root, turn.boot, turn.keep)
    entry = turn.boot.of(version)
    older = versions.compare(version, turn.running) < 0
    if older and entry is not None:
        rollback.set_default(system.run, system.root, entry, turn.keep, once=True)
    turn.note(pinned=version if older else None)
    return cleared


def _clear(turn: Turn) -> None:
    Stage(turn.updater.system, turn.keep, turn.updater.tell, turn.updater.say).clear()
