# SPDX-License-Identifier: Apache-2.0
"""Whether the host fails already: else a new version would be given up for what it did not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.config.judgement import judgement
from codex_agent.host import asking, probes
from codex_agent.host.snapshot import take
from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from codex_agent.host.model import Check
    from codex_agent.host.root import Root
    from codex_agent.update.flow import Turn

_ASK = ("systemctl", "start", probes.UNIT)
_TIMEOUT_S = 1000.0  # longer than the unit itself may take


def check(root: Root) -> Check | None:
    """Return the first check that fails now and that a new version has to pass."""
    sample = take(root, judgement(root, {}, asking.check(root)))
    made = sample.host.verdict.checks
    # A new version is on trial, and so has to pass more than what runs.
    failed = (found for found in made if found.state == "failed" and probes.on_trial(found))
    return next(failed, None)


def judge(turn: Turn, *, by_itself: bool) -> None:
    """Refuse to update a host by itself that fails; a person is told, and may know better.

    The probes are asked anew: their answers are as old as the start, and a GPU may have been lost
    since, which the next version would be given up for.
    """
    system = turn.updater.system
    asked = system.run(_ASK, timeout_s=_TIMEOUT_S, keep=turn.keep)
    if asked.status != 0:
        text, why = "The probes of this host cannot be asked", asked.last.rstrip(".")
        hint = f"systemctl status {probes.UNIT}, or take the new version: codex update apply"
    elif (found := check(system.root)) is not None:
        text = f"The running version fails a check that a new one must pass ({found.name})"
        why = found.message.rstrip(".")
        hint = "Mend it, or take the new version: codex update apply"
    else:
        return
    if not by_itself:
        turn.updater.say(f"{text}: {why}.")
        return
    text = f"This host does not update itself: {text[0].lower()}{text[1:]}: {why}."
    raise UpdateError(Exit.BY_POLICY, text, hint)
