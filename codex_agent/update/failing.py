# SPDX-License-Identifier: Apache-2.0
"""Whether the host fails already: else a new version would be given up for what it did not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.config.judgement import judgement
from codex_agent.host import asking
from codex_agent.host.snapshot import take
from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from codex_agent.host.model import Check
    from codex_agent.host.root import Root
    from codex_agent.update.flow import Turn


def check(root: Root) -> Check | None:
    """Return the first check that fails now and that a new version has to pass."""
    sample = take(root, judgement(root, {}, asking.check(root)))
    made = sample.host.verdict.checks
    return next((found for found in made if found.gates and found.state == "failed"), None)


def judge(turn: Turn, *, by_itself: bool) -> None:
    """Refuse to update a host by itself that fails; a person is told, and may know better."""
    found = check(turn.updater.system.root)
    if found is None:
        return
    text = f"The running version fails a check that a new one must pass ({found.name})"
    why = found.message.rstrip(".")
    if not by_itself:
        turn.updater.say(f"{text}: {why}.")
        return
    text = f"This host does not update itself: {text[0].lower()}{text[1:]}: {why}."
    hint = "Mend it and run codex probe --keep, or take the new version: codex update apply"
    raise UpdateError(Exit.BY_POLICY, text, hint)
