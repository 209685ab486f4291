# SPDX-License-Identifier: Apache-2.0
"""Makes the other good version the one that starts next; the boot loader does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable
from codex_agent.provision.files import sync_directory
from codex_agent.update import boot as booting
from codex_agent.update import names, rules
from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from codex_agent.host.root import Root
    from codex_agent.update.boot import Boot, Entry
    from codex_agent.update.program import Runner
    from codex_agent.update.state import State
    from codex_agent.update.sysupdate import Sysupdate

BOOTCTL = "bootctl"
TRIES = 3  # as the transfer of the UKI says
_TIMEOUT_S = 60.0
_HINT = "codex update status shows the versions of this host."


def choose(boot: Boot, state: State, slots: Sysupdate | None, wanted: str | None = None) -> Entry:
    """Return the entry to go back to: found good once, whole in its slot, and not known as bad.

    Without ``slots`` nobody is asked whether it is whole, which takes its time.
    """
    running = rules.running_image(boot).version
    bad = rules.bad_versions(state, boot)
    others = [entry for entry in boot.entries if entry.version != running]
    if wanted is not None:
        others = [entry for entry in others if entry.version == wanted]
    if not others:
        what = f"no version {wanted}" if wanted else f"no version beside {running}"
        raise _nothing(f"this host has {what}")
    refusals: list[str] = []
    # The newest of those that qualify, should there be several.
    for entry in reversed(others):
        if entry.version in bad:
            refusals.append(f"{entry.version} is not to be used: {bad[entry.version]}")
        elif entry.standing != "good":
            refusals.append(f"{entry.version} has not been found good yet")
        elif slots is not None and not _whole(slots, entry.version):
            refusals.append(f"{entry.version} is not whole in its slot")
        else:
            return entry
    if _waits(state, running):
        raise _nothing(refusals[0], f"codex update rollback --to {running} takes it back.")
    raise _nothing(refusals[0])


def instead(boot: Boot, state: State, wanted: str | None) -> Entry | None:
    """Return the running version's entry where what was written is to be taken back, else None.

    That is asked for as long as it was not tried, or by the name of the running version.
    """
    running = rules.running_image(boot).version
    if not _waits(state, running) or wanted not in (None, running):
        return None
    written = boot.of(state.version or "")
    if wanted is None and written is not None and written.done:
        return None
    mine = boot.of(running)
    if mine is None or mine.standing != "good":
        raise _nothing(f"{running} has not been found good yet")
    return mine


def _waits(state: State, running: str) -> bool:
    """Say whether another version was written, and may start next."""
    return state.stage == "written" and state.version not in (None, running)


def _whole(slots: Sysupdate, version: str) -> bool:
    found = slots.describe(version)
    return found is not None and found.whole


def _nothing(why: str, hint: str = _HINT) -> UpdateError:
    text = f"There is no version to go back to: {why}."
    return UpdateError(Exit.NOTHING_TO_ROLL_BACK, text, hint)


def set_default(run: Runner, root: Root, entry: Entry, keep: Sequence[int], *, once: bool) -> None:
    """Let the boot loader start an entry next, and look whether the firmware has kept that."""
    verb, name = ("set-oneshot", booting.ONESHOT) if once else ("set-default", booting.DEFAULT)
    _bootctl(run, verb, entry.id, keep)
    if (_read(root, name) or "").lower() != entry.id:
        raise _not_kept(f"{verb} {entry.id}")


def clear_once(run: Runner, root: Root, boot: Boot, version: str, keep: Sequence[int]) -> None:
    """Take back that a version is to be started once."""
    entry = booting.parse(boot.oneshot) if boot.oneshot else None
    if entry is None or entry.version.lower() != version.lower():
        return
    _bootctl(run, "set-oneshot", "", keep)
    if _read(root, booting.ONESHOT) is not None:
        raise _not_kept('set-oneshot ""')


def clear_default(run: Runner, root: Root, boot: Boot, keep: Sequence[int]) -> bool:
    """Take back a default of ours, so that the newest version starts; say whether there was one.

    A default that names something else was set by a person and stays.
    """
    if boot.default is None or booting.parse(boot.default) is None:
        return False
    _bootctl(run, "set-default", "", keep)
    if _read(root, booting.DEFAULT) is not None:
        raise _not_kept('set-default ""')
    return True


def _read(root: Root, name: str) -> str | None:
    try:
        return booting.variable(root, name)
    except Unreadable:
        return None


def _bootctl(run: Runner, verb: str, name: str, keep: Sequence[int]) -> None:
    done = run([BOOTCTL, verb, name], timeout_s=_TIMEOUT_S, keep=keep)
    if done.status != 0:
        text = f"The boot loader was not told what to start: {done.last}."
        raise UpdateError(Exit.FAILED, text, f"{BOOTCTL} status")


def _not_kept(command: str) -> UpdateError:
    text = "The firmware did not keep what the boot loader shall start."
    return UpdateError(Exit.FAILED, text, f"{BOOTCTL} {command}; {BOOTCTL} status")


def try_again(folder: Path, entry: Entry) -> None:
    """Give an entry that the boot loader has given up its tries back."""
    place = folder / f"{names.IMAGE}_{entry.version}+{TRIES}-0.efi"
    try:
        (folder / entry.file).rename(place)
        sync_directory(folder)
    except OSError as error:
        why = (error.strerror or "unknown error").lower()
        text = f"The boot entry {entry.file} cannot be renamed: {why}."
        raise UpdateError(Exit.FAILED, text, f"ls -l {folder}") from None
