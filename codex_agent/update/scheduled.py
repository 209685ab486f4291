# SPDX-License-Identifier: Apache-2.0
"""What a host does by itself, as its policy says; a timer calls it every quarter of an hour."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from codex_agent.config import window
from codex_agent.host.kernel import boot_id
from codex_agent.host.reading import Unreadable
from codex_agent.update import applying, boot, fallback, hooks
from codex_agent.update.check import check
from codex_agent.update.conclude import NOT_ASKED
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Outcome, Wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.host.root import Root
    from codex_agent.update.flow import Turn, Updater

MACHINE_ID = "/etc/machine-id"
_RESTART = ("systemctl", "reboot")


def lateness(root: Root, text: str, jitter_s: float) -> float:
    """Return how much later than others this host begins: drawn once from its machine id."""
    most = window.parse(text).latest_s(jitter_s)
    try:
        seed = root.text(MACHINE_ID, 256).strip()
    except Unreadable:
        seed = ""
    drawn = int.from_bytes(hashlib.sha256(f"codex-update {seed}".encode()).digest()[:8], "big")
    return drawn / 2**64 * most


def clock(root: Root) -> Callable[[], datetime]:
    """Return what tells the time of the host, in its own zone."""
    return lambda: datetime.fromtimestamp(root.wall()).astimezone()


def inside(updater: Updater, now: datetime) -> bool:
    """Say whether this host may restart now; without a window it may never."""
    policy = updater.policy
    if not policy.window:
        return False
    late = lateness(updater.system.root, policy.window, policy.jitter_s)
    return window.parse(policy.window).holds(now, late)


def run(updater: Updater, now: Callable[[], datetime]) -> Outcome:
    """Do what the policy says for this moment; ``now`` is asked again after what takes long."""
    mode = updater.policy.mode

    def is_open() -> bool:
        return mode == "apply" and inside(updater, now())

    with updater.alone() as turn:
        _bring_back(turn, open_now=is_open())
    if mode == "never":
        return Outcome(False, "", "The policy of this host is never to look for updates.")
    if not updater.policy.source:
        # As a host is delivered; only who asks by hand has to be told that this is a mistake.
        return Outcome(False, "", "The policy of this host names no source of updates.")
    if mode == "notify":
        return _notify(updater)
    wish = Wish(fetch_only=not is_open(), by_itself=True)
    with updater.alone() as turn:
        outcome = applying.apply(turn, wish)
        waiting = turn.state.stage == "written" and turn.state.version != turn.running
        # A version on trial is left alone: each restart would cost it one of its tries.
        if wish.fetch_only or not waiting:
            return outcome
        if not is_open():
            return _too_late(outcome)
        if _untried(turn):
            raise _not_again(turn)
        return restart(turn, outcome, is_open)


def _too_late(outcome: Outcome) -> Outcome:
    text = "The window is over, so the host is not restarted before the next one."
    return replace(outcome, message=f"{outcome.message} {text}")


def _untried(turn: Turn) -> bool:
    """Say whether a restart for what is written has led back here without one of its tries.

    So would the next one, and the one after it, as long as the window is open.
    """
    entry = turn.boot.of(turn.state.version or "")
    if entry is None or entry.file != turn.state.restarted_for:
        return False
    here = boot_id(turn.updater.system.root).value
    return here is None or here != turn.state.restarted_in


def _not_again(turn: Turn) -> UpdateError:
    version = turn.state.version or ""
    text = f"The host was restarted for version {version}, which was not tried."
    try:
        if fallback.read(turn.updater.system.run, turn.keep).started_ours:
            text = NOT_ASKED.format(version)
    except UpdateError as error:
        turn.updater.say(error.message)
    text = f"{text} By itself the host is not restarted for it again."
    hint = "efibootmgr shows what the firmware starts; systemctl reboot tries it once more."
    return UpdateError(Exit.FAILED, text, hint)


def _notify(updater: Updater) -> Outcome:
    found = check(updater, Wish())
    if found.refused is not None:
        text = f"Version {found.version} is offered. {found.refused.message}"
    elif found.newer:
        text = f"Version {found.version} is offered, {found.running} is running."
    else:
        text = f"Version {found.running} is running; nothing is newer."
    return Outcome(found.newer, found.version, text)


def bring_back(updater: Updater) -> None:
    """Do what cannot wait until a mistake in the policy is mended: end a drain.

    Where neither the state nor the policy names commands, this is left for later.
    """
    with updater.alone() as turn:
        if turn.drain_after:
            _bring_back(turn, open_now=False)


def _bring_back(turn: Turn, *, open_now: bool) -> None:
    """After a restart, run the commands that bring the host back, whichever version started."""
    if not turn.state.drained:
        return
    ended = turn.state.stage != "written"
    # A restart that did not happen: the host must not stay out of service until the next window.
    stayed = turn.state.version != turn.running and (not open_now or _untried(turn))
    if ended or stayed:
        _restore(turn)


def _restore(turn: Turn) -> None:
    updater = turn.updater
    failed = hooks.restore(updater, turn.drain_after)
    turn.note(drained=False, drain_after=None)
    if failed:
        hint = "Run it by hand; see drain_after in /etc/codex/update.toml."
        raise UpdateError(Exit.FAILED, f"{failed[0]}.", hint)


def restart(turn: Turn, outcome: Outcome, is_open: Callable[[], bool] = lambda: True) -> Outcome:
    """Take the host out of service as its policy says, and restart it.

    Draining may take longer than the window is open: ``is_open`` is asked once more after it.
    """
    updater = turn.updater
    policy = updater.policy
    if policy.drain_before or policy.drain_after:
        # Written down first: also half a drain has to be taken back.
        turn.note(drained=True, drain_after=policy.drain_after)
    hooks.drain(updater, policy.drain_before)
    if not is_open():
        if turn.state.drained:
            _restore(turn)
        return replace(_too_late(outcome), changed=True)
    entry = turn.boot.of(boot.starts_next(turn.boot) or "")
    turn.note(
        restarted_for=entry.file if entry else None,
        restarted_in=boot_id(updater.system.root).value,
    )
    done = updater.system.run(_RESTART, timeout_s=300.0)
    if done.status != 0:
        text = f"The host was not restarted: {done.last}."
        raise UpdateError(Exit.FAILED, text, " ".join(_RESTART))
    return replace(outcome, changed=True, message=f"{outcome.message} The host restarts now.")
