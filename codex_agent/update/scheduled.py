# SPDX-License-Identifier: Apache-2.0
"""What a host does by itself, as its policy says; a timer calls it every quarter of an hour."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_agent.config import window
from codex_agent.host.reading import Unreadable
from codex_agent.update import applying, hooks
from codex_agent.update.check import check
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Outcome, Wish

if TYPE_CHECKING:
    from datetime import datetime

    from codex_agent.host.root import Root
    from codex_agent.update.flow import Turn, Updater

MACHINE_ID = "/etc/machine-id"
_RESTART = ("systemctl", "reboot")


def lateness(root: Root, text: str, jitter_s: float) -> float:
    """Return how much later than others this host begins: drawn once from its machine id.

    Half of the window is the most, so that time is left for the work.
    """
    most = min(jitter_s, window.parse(text).minutes * 30.0)
    try:
        seed = root.text(MACHINE_ID, 256).strip()
    except Unreadable:
        seed = ""
    drawn = int.from_bytes(hashlib.sha256(f"codex-update {seed}".encode()).digest()[:8], "big")
    return drawn / 2**64 * most


def inside(updater: Updater, now: datetime) -> bool:
    """Say whether this host may restart now; without a window it may never."""
    policy = updater.policy
    if not policy.window:
        return False
    late = lateness(updater.system.root, policy.window, policy.jitter_s)
    return window.parse(policy.window).holds(now, late)


def run(updater: Updater, now: datetime) -> Outcome:
    """Do what the policy says for this moment."""
    mode = updater.policy.mode
    open_now = mode == "apply" and inside(updater, now)
    with updater.alone() as turn:
        _bring_back(turn, open_now=open_now)
    if mode == "never":
        return Outcome(False, "", "The policy of this host is never to look for updates.")
    if not updater.policy.source:
        # As a host is delivered; only who asks by hand has to be told that this is a mistake.
        return Outcome(False, "", "The policy of this host names no source of updates.")
    if mode == "notify":
        return _notify(updater)
    wish = Wish(fetch_only=not open_now)
    with updater.alone() as turn:
        outcome = applying.apply(turn, wish)
        waiting = turn.state.stage == "written" and turn.state.version != turn.running
        # A version on trial is left alone: each restart would cost it one of its tries.
        return restart(turn, outcome) if open_now and waiting else outcome


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
    stayed = turn.state.version != turn.running and not open_now
    if not ended and not stayed:
        return
    updater = turn.updater
    failed = hooks.restore(updater.system.run, turn.drain_after, updater.say)
    turn.note(drained=False, drain_after=None)
    if failed:
        hint = "Run it by hand; see drain_after in /etc/codex/update.toml."
        raise UpdateError(Exit.FAILED, f"{failed[0]}.", hint)


def restart(turn: Turn, outcome: Outcome) -> Outcome:
    """Take the host out of service as its policy says, and restart it."""
    updater = turn.updater
    policy, run_program = updater.policy, updater.system.run
    if policy.drain_before or policy.drain_after:
        # Written down first: also half a drain has to be taken back.
        turn.note(drained=True, drain_after=policy.drain_after)
    hooks.drain(run_program, policy.drain_before, updater.say)
    done = run_program(_RESTART, timeout_s=300.0)
    if done.status != 0:
        text = f"The host was not restarted: {done.last}."
        raise UpdateError(Exit.FAILED, text, " ".join(_RESTART))
    return replace(outcome, changed=True, message=f"{outcome.message} The host restarts now.")
