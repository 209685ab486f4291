# SPDX-License-Identifier: Apache-2.0
"""Writes down for everybody how updates stand, what is being done, and how it ended.

That it cannot be written is said, and stops no update.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from codex_agent.config.window import zone
from codex_agent.errors import CodexError
from codex_agent.host.plain import plain
from codex_agent.host.reading import Unreadable
from codex_agent.problem import shown
from codex_agent.provision import files
from codex_agent.update import known, lock, shape, state, status
from codex_agent.update.known import Ended, Known, Offered, Standing, Work

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from codex_agent.config.update import Loaded as Policies
    from codex_agent.update.check import Found
    from codex_agent.update.flow import Outcome
    from codex_agent.update.known import Action, By
    from codex_agent.update.system import System

FOLDER = "/run/codex"
PAUSE_S = 0.5  # between two words on progress
BEAT_S = 15.0  # what is silent for longer than known.SILENT_S is not believed to live
CHANGES = 2000
_COUNTED = 100_000  # below this a total is a count or per cent, not bytes


def masked(text: str) -> str:
    """Return a sentence or an address without what may be a password in it."""
    without_account = re.sub(r"//\S*@", "//…@", text)
    return shown(re.sub(r"(://[^\s?#]*)[?#]\S*", r"\1", without_account))


def _everywhere(value: Any) -> Any:
    """Mask each text of a document."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list):
        return [_everywhere(entry) for entry in value]
    if isinstance(value, dict):
        return {masked(key): _everywhere(entry) for key, entry in value.items()}
    return value


def standing(system: System, policies: Policies) -> Standing:
    """Return how updates stand, for everybody."""
    now = status.read(system, policies)
    policy, begun = now.policy, now.progress
    return Standing(
        monotonic_s=system.root.monotonic(),
        running=now.running,
        boot=now.boot,
        boot_reason=now.boot_reason,
        versions=[
            shape.taken(known.Version, version, given_up=now.bad.get(version.version))
            for version in now.versions
        ],
        begun=None if begun is None else shape.taken(status.Begun, begun),
        offered=now.offered,
        checked_at=now.checked_at,
        given_up=now.bad,
        policy=known.Rules(
            policy.mode, policy.source or None,
            f"{policy.window} {zone()}" if policy.window else None, policy.page,
            bool(policy.drain_before or policy.drain_after),
        ),
        problems=now.problems,
    )  # fmt: skip


def offered(found: Found) -> Offered:
    """Return what was found, for everybody."""
    changes = found.changes
    return shape.taken(
        Offered,
        found,
        at=state.now(),
        changes=None if changes is None else changes[:CHANGES],
        left_out=max(len(changes or []) - CHANGES, 0),
    )


def replace_file(system: System, edit: Callable[[Known | None], Known]) -> None:
    """Exchange the file for another one made from it; one writer at a time."""
    folder = system.path(FOLDER)
    files.directory(folder, files.PUBLIC_DIRECTORY)
    with files.lock(folder):
        try:
            before = known.parse(system.root.data(known.PLACE, known.LIMIT))
        except (ValueError, OSError, Unreadable):
            before = None
        if before is not None and before.monotonic_s > system.root.monotonic():
            before = None
        after = replace(
            edit(before), written_at=state.now(), monotonic_s=system.root.monotonic()
        )  # fmt: skip
        content = json.dumps(_everywhere(plain(after)), ensure_ascii=False).encode() + b"\n"
        # Whoever reads it would refuse it as well: a defect of ours is found here.
        shape.parse(content, Known)
        files.write(system.path(known.PLACE), content, files.PUBLIC_FILE)


def keep(system: System, policies: Policies) -> None:
    """Write down how updates stand, and forget a work that has ended without a word."""
    now = standing(system, policies)

    def edit(before: Known | None) -> Known:
        if before is None:
            return _first(now)
        alive = before.work is not None and lock.held(system.state)
        return replace(before, standing=now, work=before.work if alive else None)

    replace_file(system, edit)


def _first(now: Standing) -> Known:
    return Known(1, "", 0.0, now, None, None, None)


@dataclass
class Teller:
    """What one command tells. As anybody but root it is silent: there is nothing to be written."""

    system: System
    policies: Policies
    action: Action
    by: By
    warn: Callable[[str], None]
    monotonic: Callable[[], float] = time.monotonic
    _work: Work | None = field(default=None, init=False)
    _ended: Ended | None = field(default=None, init=False)
    _offered: Offered | None = field(default=None, init=False)
    _last: float = field(default=0.0, init=False)
    _failed: bool = field(default=False, init=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False)
    _over: threading.Event = field(default_factory=threading.Event, init=False)
    _beating: threading.Thread | None = field(default=None, init=False)

    def begun(self) -> None:
        """Tell that the lock is ours and the work begins."""
        if self._work is not None or self.system.euid() != 0:
            return
        self._work = Work(
            os.getpid(), self.action, self.by, state.now(), None, None, None, 0, 0, "count", None
        )
        self._write()
        self._beating = threading.Thread(target=self._beat, name="teller", daemon=True)
        self._beating.start()

    def tell(self, name: str, done: int, total: int) -> None:
        """Tell how far a piece of work is; not more often than anybody can read.

        A total of 0 is one that is not known, as that of chunks: bytes are told until it is.
        """
        if self._work is None:
            return
        unit: Literal["bytes", "count", "percent"] = "bytes"
        new = name != self._work.name
        if not new:
            unit = self._work.unit
        elif 0 < total < _COUNTED:
            unit = "percent" if total == 100 else "count"
        done = min(done, total) if total > 0 else done
        self._work = replace(self._work, name=name, done=done, total=max(total, 0), unit=unit)
        if new or self.monotonic() - self._last >= PAUSE_S:
            self._write()

    def say(self, text: str) -> None:
        """Tell a sentence on the way."""
        if self._work is not None:
            self._work = replace(self._work, said=text)
            self._write()

    def found(self, found: Found) -> None:
        """Tell what is offered."""
        self._offered = offered(found)

    def done(self, outcome: Outcome) -> None:
        """Tell the good end; one of a timer that had nothing to do is no news."""
        if outcome.changed or self.by != "timer":
            self._ended = self._end(outcome.message, None, 0)

    def looked(self, found: Found) -> None:
        """Tell the end of a look."""
        if found.refused is not None:
            refused = found.refused
            self._ended = self._end(refused.message, refused.hint, refused.exit_code)
            return
        text = (
            f"Version {found.version} is offered." if found.newer else "Nothing newer is offered."
        )
        self._ended = self._end(text, None, 0)

    def _end(self, message: str, hint: str | None, code: int) -> Ended:
        return Ended(self.action, self.by, state.now(), code == 0, message, hint, code)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write down the end, whatever it is."""
        self._over.set()
        if self._beating is not None:
            self._beating.join()
        if self.system.euid() != 0 or (error is not None and self._work is None):
            # Refused before it began: whoever asked has been told, and nothing is otherwise now.
            return
        if isinstance(error, CodexError):
            self._ended = self._end(error.message, error.hint, error.exit_code)
        elif error is not None:
            text = f"It was ended by {type(error).__name__}."
            self._ended = self._end(text, "Ask again: what is done is found and kept.", 70)
        try:
            now = standing(self.system, self.policies)
            replace_file(self.system, lambda before: self._at_the_end(before, now))
        except (CodexError, OSError, ValueError) as failure:
            self._complain(failure)

    def _at_the_end(self, before: Known | None, now: Standing) -> Known:
        before = before or _first(now)
        work = before.work
        if work is not None and (work.process == os.getpid() or not lock.held(self.system.state)):
            work = None
        ended = self._ended
        if ended is None and self.by == "timer" and before.ended and before.ended.by == "timer":
            # What it complained about before is no longer so.
            return replace(
                before, standing=now, work=work, ended=None, offered=self._offered or before.offered
            )
        return replace(
            before, standing=now, work=work, ended=ended or before.ended,
            offered=self._offered or before.offered,
        )  # fmt: skip

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            self._write()

    def _write(self) -> None:
        with self._turn:
            self._last = self.monotonic()
            try:
                replace_file(self.system, self._on_the_way)
            except (CodexError, OSError, ValueError) as failure:
                self._complain(failure)

    def _on_the_way(self, before: Known | None) -> Known:
        before = before or _first(standing(self.system, self.policies))
        work = self._work
        if work is not None and self.action == "apply":
            stage, version = self._stage()
            work = replace(work, stage=stage, version=version)
        return replace(before, work=work, offered=self._offered or before.offered)

    def _stage(self) -> tuple[state.Stage | None, str | None]:
        try:
            now = state.load(self.system.state).state
        except CodexError:
            return None, None
        return (now.stage, now.version) if now.stage in ("fetching", "writing") else (None, None)

    def _complain(self, failure: Exception) -> None:
        if not self._failed:
            self._failed = True
            self.warn(f"How the update stands cannot be written down: {shown(str(failure))}")
