# SPDX-License-Identifier: Apache-2.0
"""What the page may ask root for: read from a socket, judged, answered at once, and then done.

Whoever stands before this door may be anybody who has broken into the agent. What can be asked for
is therefore no more than a look, a signed version that was found at the configured source, the way
back to a version that was good, and the restart into the one that starts next. Where updates come
from, and which rules hold, the policy of the host alone says.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_agent.errors import CodexError
from codex_agent.problem import shown
from codex_agent.update import applying, boot, check, rollback, rules, scheduled, versions
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Outcome, Wish
from codex_agent.update.known import Answer

if TYPE_CHECKING:
    from codex_agent.config.update import Loaded as Policies
    from codex_agent.update.check import Found
    from codex_agent.update.flow import Turn, Updater
    from codex_agent.update.known import Action

LIMIT = 4096  # bytes
TIME_S = 5.0
_ACTIONS: tuple[Action, ...] = ("check", "apply", "rollback", "restart")
_PART = 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A wish; ``version`` is None for a look only."""

    action: Action
    version: str | None


def parse(content: bytes) -> Request:
    """Return the request, or refuse whatever is not exactly one."""
    try:
        data = json.loads(content.decode("utf-8"), object_pairs_hook=_pairs)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, ValueError):
        raise _malformed("it is not one JSON object") from None
    if not isinstance(data, dict):
        raise _malformed("it is not one JSON object")
    action = data.get("action")
    if not isinstance(action, str) or action not in _ACTIONS:
        raise _malformed(f"the action is none of {', '.join(_ACTIONS)}")
    if data.keys() != ({"action"} if action == "check" else {"action", "version"}):
        raise _malformed(f"{action} is asked for with other names than it has")
    version = data.get("version")
    if action == "check":
        return Request("check", None)
    if not isinstance(version, str) or not versions.valid(version) or ".." in version:
        raise _malformed("the version is none")
    return Request(action, version)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _malformed(why: str) -> UpdateError:
    hint = "The page of this version of the agent asks as it should; codex update does the same."
    return UpdateError(Exit.USAGE, f"The request is not valid: {why}.", hint)


def receive(connection: socket.socket) -> Request:
    """Read one line, or what comes before the end, within the time and the length that it has."""
    deadline = time.monotonic() + TIME_S
    content = b""
    while b"\n" not in content:
        # In the past there is still a moment, in which what is already here can be taken.
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            part = connection.recv(_PART)
        except TimeoutError:
            raise _malformed(f"it did not arrive within {TIME_S:.0f} s") from None
        except OSError as error:
            raise _malformed(f"the connection broke: {error.strerror or 'cut'}") from None
        if not part:
            break
        content += part
        if len(content) > LIMIT:
            raise _malformed(f"it is longer than {LIMIT} bytes")
    line, _, rest = content.partition(b"\n")
    if rest.strip():
        raise _malformed("more than one line was sent")
    return parse(line)


def reply(connection: socket.socket, answer: Answer) -> None:
    """Say it and hang up; one who has gone has no need of it."""
    said = {
        "accepted": answer.accepted, "kind": answer.kind, "message": shown(answer.message),
        "hint": None if answer.hint is None else shown(answer.hint),
        "exit_code": answer.exit_code,
    }  # fmt: skip
    try:
        connection.settimeout(TIME_S)
        connection.sendall(json.dumps(said).encode() + b"\n")
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        connection.close()


def refusal(error: CodexError) -> Answer:
    """Return a refusal as an answer."""
    kind = error.kind.name.lower() if isinstance(error, UpdateError) else "failed"
    return Answer(False, kind, error.message, error.hint, error.exit_code)


def permitted(policies: Policies) -> None:
    """Refuse where the operator has closed this door, or may have meant to."""
    if policies.problems:
        text = "The policy of this host has a mistake, so nothing is done by the page."
        raise UpdateError(Exit.BY_POLICY, text, policies.problems[0].hint)
    if not policies.policy.page:
        text = "The policy of this host permits no updates by the page."
        hint = "Use codex update on the host; page = true in /etc/codex/update.toml permits it."
        raise UpdateError(Exit.BY_POLICY, text, hint)


def judge(turn: Turn, request: Request) -> str:
    """Refuse what can be known to be wrong without a look at the source; return what begins."""
    version = request.version
    if request.action == "check" or version is None:
        return "The source is being looked at."
    if request.action == "apply":
        if turn.state.offered is None or version != turn.state.offered:
            now = turn.state.offered or "none"
            text = f"Version {version} is not the one that is offered ({now})."
            raise UpdateError(Exit.FAILED, text, "Look at the source first: Check.")
        if version == turn.running:
            text = f"Version {version} is running; nothing is newer."
            raise UpdateError(Exit.FAILED, text, "Look at the source again: Check.")
        rules.blessed(turn.boot)
        why = rules.bad_versions(turn.state, turn.boot).get(version)
        if why is not None:
            text = f"Version {version} was tried on this host: {why}."
            hint = "Wait for a newer one, or on the host: codex update apply --again"
            raise UpdateError(Exit.BAD_VERSION, text, hint)
        return f"Version {version} is being fetched and written."
    if request.action == "rollback":
        if rollback.instead(turn.boot, turn.state, version) is not None:
            return f"Version {turn.state.version} is being taken back."
        rollback.choose(turn.boot, turn.state, None, version)
        return f"Version {version} is being made the one that starts next."
    following = boot.starts_next(turn.boot)
    if version == turn.running or version != following:
        text = f"Version {version} is not what another start would bring ({following or 'none'})."
        raise UpdateError(Exit.FAILED, text, "codex update status shows what starts next.")
    return f"The host restarts into version {version}."


def do(turn: Turn, request: Request) -> Outcome | Found:
    """Do what was accepted."""
    if request.action == "check":
        return check.look(turn, Wish())
    if request.action == "apply":
        return applying.apply(turn, Wish(version=request.version))
    if request.action == "rollback":
        return turn.roll_back(request.version, once=False)
    version = request.version or ""
    return scheduled.restart(turn, Outcome(True, version, f"Version {version} starts next."))


def answer(
    updater: Updater, policies: Policies, connection: socket.socket, request: Request
) -> Outcome | Found:
    """Answer a request and do it, or refuse it; the lock is ours before anything is promised."""
    said = False
    try:
        permitted(policies)
        with updater.alone() as turn:
            begins = judge(turn, request)
            reply(connection, Answer(True, "accepted", begins, None, int(Exit.DONE)))
            said = True
            return do(turn, request)
    except CodexError as error:
        if not said:
            reply(connection, refusal(error))
        raise
