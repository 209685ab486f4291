# SPDX-License-Identifier: Apache-2.0
"""``codex update``: look for a version, take it, show how updates stand, go back.

Exit statuses are those of ``codex_agent.update.exits``; what is refused leaves by the one door.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from codex_agent.cli.progress import Progress
from codex_agent.cli.rows import Rows, size
from codex_agent.config import update as policies
from codex_agent.config.window import zone
from codex_agent.host.plain import plain
from codex_agent.problem import shown
from codex_agent.update import applying
from codex_agent.update.check import check
from codex_agent.update.conclude import conclude
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Outcome, Updater, Wish
from codex_agent.update.status import read as read_status
from codex_agent.update.system import System
from codex_agent.update.telling import Teller, keep

if TYPE_CHECKING:
    import argparse

    from codex_agent.config.update import Policy
    from codex_agent.update.check import Found
    from codex_agent.update.known import Action, By
    from codex_agent.update.status import Status

# Longer than what follows each start (codex update settle) has the lock, even on a slow processor.
PATIENCE_S = 30.0
_PACKAGES = 20  # as many changes are shown; --json has all


def run(arguments: argparse.Namespace) -> int:
    """Do what the second word of the command asks for."""
    return execute(arguments, System())


def execute(arguments: argparse.Namespace, system: System) -> int:
    """Do it on a host."""
    loaded = policies.load(system.root)
    if arguments.action == "status":
        return _status(arguments, system, loaded)
    if arguments.action == "answer":
        from codex_agent.cli.answer import answer

        return answer(system, loaded)
    for problem in loaded.problems:
        print(f"codex: {problem.message}\nhint: {problem.hint}", file=sys.stderr)
    progress = Progress(sys.stderr, quiet=arguments.json)
    if arguments.action == "settle":
        return _settle(
            arguments,
            Updater(system, loaded.policy, progress.tell, progress.say, patience_s=PATIENCE_S),
        )
    timed = arguments.action == "apply" and arguments.scheduled
    by: By = "timer" if timed else "command"
    # A policy that only looks must not be told as an update.
    looks = timed and loaded.policy.mode in ("never", "notify")
    action: Action = "check" if looks else arguments.action
    with Teller(system, loaded, action, by, progress.say) as teller:
        updater = telling(system, loaded.policy, progress, teller)
        if arguments.action == "check":
            found = check(updater, Wish(source=arguments.source, version=arguments.to))
            teller.looked(found)
        else:
            outcome = _act(arguments, updater, loaded)
            teller.done(outcome)
    if arguments.action == "check":
        _out(found, text_of_check(found), as_json=arguments.json)
        return found.exit
    _out(outcome, text_of_outcome(outcome), as_json=arguments.json)
    return int(Exit.DONE)


def telling(system: System, policy: Policy, progress: Progress, teller: Teller) -> Updater:
    """Return what updates the host and tells it here and to everybody."""

    def tell(name: str, done: int, total: int) -> None:
        progress.tell(name, done, total)
        teller.tell(name, done, total)

    def say(text: str) -> None:
        progress.say(text)
        teller.say(text)

    return Updater(
        system, policy, tell, say, patience_s=PATIENCE_S, begun=teller.begun, found=teller.found,
        confide=progress.say,
    )  # fmt: skip


def _status(arguments: argparse.Namespace, system: System, loaded: policies.Loaded) -> int:
    if arguments.keep:
        if system.euid() != 0:
            raise UpdateError(Exit.DENIED, "Only root can write it down.", "Run it by sudo.")
        keep(system, loaded)
    status = read_status(system, loaded)
    _out(status, text_of_status(status), as_json=arguments.json)
    return int(Exit.DONE)


def _settle(arguments: argparse.Namespace, updater: Updater) -> int:
    with updater.alone() as turn:
        changed, text = conclude(turn)
        outcome = Outcome(changed, turn.running, text)
    _out(outcome, text_of_outcome(outcome), as_json=arguments.json)
    return int(Exit.DONE)


def _act(arguments: argparse.Namespace, updater: Updater, loaded: policies.Loaded) -> Outcome:
    if arguments.action == "rollback":
        with updater.alone() as turn:
            return turn.roll_back(arguments.to, once=arguments.once)
    if arguments.scheduled:
        from codex_agent.update import scheduled

        if loaded.problems:
            scheduled.bring_back(updater)
            text = "No update was looked for: the policy of this host has a mistake."
            raise UpdateError(Exit.BY_POLICY, text, loaded.problems[0].hint)
        return scheduled.run(updater, scheduled.clock(updater.system.root))
    wish = Wish(
        arguments.source, arguments.to, arguments.allow_older, arguments.again,
        arguments.fetch_only,
    )  # fmt: skip
    with updater.alone() as turn:
        return applying.apply(turn, wish)


def _out(value: Any, text: str, *, as_json: bool) -> None:
    print(json.dumps(plain(value), indent=2) if as_json else text, flush=True)


def text_of_outcome(outcome: Outcome) -> str:
    """Return what was done, and what was moved for it."""
    lines = [outcome.message]
    if outcome.moved_bytes:
        beside = f"; {outcome.reused} came from the running root" if outcome.reused else ""
        lines.append(f"{size(outcome.moved_bytes)} were fetched{beside}.")
    return shown_lines(lines)


def shown_lines(lines: list[str]) -> str:
    """Return lines that are safe on a terminal."""
    return "\n".join(shown(line) for line in lines)


def text_of_check(found: Found) -> str:
    """Return what is offered and what would be new."""
    rows = Rows({})
    rows.add("Running", found.running)
    new = "newer" if found.newer else "not newer" if found.refused is None else "refused"
    rows.add("Offered", f"{found.version}, {new}")
    rows.add("Built", f"{found.built_at}, kernel {found.kernel}")
    rows.add("Signed by", found.key)
    rows.add("Size", f"{size(found.whole_bytes)} in all; of the root only what differs is fetched")
    if found.refused is not None:
        rows.add("Refused", found.refused.message)
        if found.refused.hint:
            rows.add("", f"hint: {found.refused.hint}")
    changes = found.changes or []
    for place, change in enumerate(changes[:_PACKAGES]):
        words = f"{change.package}  {change.before or 'new'} → {change.after or 'removed'}"
        rows.add("" if place else "Changes", words)
    if len(changes) > _PACKAGES:
        rows.add("", f"and {len(changes) - _PACKAGES} more packages")
    if found.newer and found.changes == []:
        rows.add("Changes", "no package")
    if found.newer and found.changes is None:
        rows.add("Changes", "unavailable (the packages of this version are not known)")
    return shown_lines(rows.lines)


def text_of_status(status: Status) -> str:
    """Return how updates stand."""
    rows = Rows({"running": "this host was not booted from an image of Codex OS"})
    rows.more("Running", "running", status.running)
    rows.add("This boot", status.boot + (f" ({status.boot_reason})" if status.boot_reason else ""))
    for place, version in enumerate(status.versions):
        words = [version.version, version.standing]
        if version.tries_left is not None:
            words.append(f"{version.tries_left} tries left")
        words += ["running"] if version.running else []
        words += ["starts next"] if version.starts_next else []
        words += ["NOT WHOLE"] if version.whole is False else []
        rows.add("" if place else "Versions", ", ".join(words))
    for number, (version_text, why) in enumerate(sorted(status.bad.items())):
        rows.add("" if number else "Not to be used", f"{version_text}: {why}")
    now = status.progress
    if now is not None:
        stage = f"{now.version} {now.stage}" if now.version else "none"
        rows.add("Update", f"{stage}, under way" if now.under_way else stage)
        waits = now.version not in (None, status.running, *status.bad)
        if now.stage == "written" and waits and not now.under_way:
            rows.add("", f"codex update rollback --to {status.running} takes it back")
        if now.whole_because:
            rows.add("", f"the whole root was fetched: {now.whole_because}")
        if now.last_error:
            rows.add("Last error", now.last_error)
    rows.add("Offered", _offered(status))
    policy = status.policy
    when = f" in {policy.window} {zone()}" if policy.mode == "apply" and policy.window else ""
    rows.add("Policy", f"{policy.mode}{when}, from {policy.source or 'no source'}")
    for place, problem in enumerate(status.problems):
        rows.add("" if place else "Problems", problem)
    return shown_lines(rows.lines)


def _offered(status: Status) -> str:
    if status.offered is None:
        return "nothing was looked for yet" if status.progress is not None else "not known"
    return f"{status.offered}, looked for at {status.checked_at}"
