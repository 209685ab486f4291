# SPDX-License-Identifier: Apache-2.0
"""Who may change how updates stand: one turn at a time, with what is remembered across starts."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from codex_agent.errors import CodexError
from codex_agent.provision import files
from codex_agent.update import boot as booting
from codex_agent.update import lock, offer, rollback, rules, signature, state
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.fetch import Fetcher, disk_error
from codex_agent.update.source import Source, open_source
from codex_agent.update.state import Loaded
from codex_agent.update.sysupdate import Sysupdate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_agent.config.update import Commands, Policy
    from codex_agent.update.boot import Boot, Entry
    from codex_agent.update.check import Found
    from codex_agent.update.offer import Offer
    from codex_agent.update.release import Release
    from codex_agent.update.state import State
    from codex_agent.update.system import System


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for; ``by_itself`` where it was nobody but the timer."""

    source: str | None = None
    version: str | None = None
    allow_older: bool = False
    again: bool = False
    fetch_only: bool = False
    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; ``changed`` is False where there was nothing to do."""

    changed: bool
    version: str
    message: str
    moved_bytes: int = 0
    whole_because: str | None = None
    reused: str | None = None
    uki_because: str | None = None


@dataclass
class Updater:
    """The host, its policy, and whom to tell: of progress, and when the lock is ours.

    ``found`` gets what a look at a source has found; ``confide``, what only root and the journal
    may know.
    """

    system: System
    policy: Policy
    tell: Callable[[str, int, int], None] = field(default=lambda _name, _done, _total: None)
    say: Callable[[str], None] = field(default=lambda _text: None)
    open: Callable[..., Source] = open_source
    patience_s: float = 2.0
    begun: Callable[[], None] = field(default=lambda: None)
    found: Callable[[Found], None] = field(default=lambda _found: None)
    confide: Callable[[str], None] = field(default=lambda _text: None)

    def verify(self, content: bytes, signed: bytes) -> str:
        """Check a signature with the keyring of the image."""
        keyring = str(self.system.path(self.system.keyring))
        return signature.verify(self.system.run, keyring, content, signed)

    @contextmanager
    def source(self, wish: Wish) -> Iterator[Fetcher]:
        """Open the source that is wished, or that of the policy."""
        text = wish.source or self.policy.source
        if not text:
            hint = "Set source in /etc/codex/update.toml, or name one with --source."
            raise UpdateError(Exit.UNREACHABLE, "This host has no source of updates.", hint)
        policy = self.policy
        opened = self.open(text, allow_http=policy.allow_http, ca_file=policy.ca_file or None)
        try:
            yield Fetcher(opened, self.tell, sleep=self.system.sleep)
        finally:
            opened.close()

    @contextmanager
    def alone(self) -> Iterator[Turn]:
        """Take the lock and the state; what a run has learnt is kept also when it fails."""
        system = self.system
        if system.euid() != 0:
            raise UpdateError(Exit.DENIED, "Only root may update this host.", "Run it by sudo.")
        rules.running_image(booting.read(system.root))
        files.directory(system.state, files.SECRET_DIRECTORY)
        with lock.taken(system.state, self.patience_s) as handle:
            self.begun()
            # Whoever had the lock before may have changed what can start.
            boot = booting.read(system.root)
            files.remove_unfinished(system.state)
            loaded = state.load(system.state)
            if loaded.problem is not None:
                self.say(loaded.problem)
                state.set_aside(system.state, loaded)
            turn = Turn(self, boot, loaded, (handle,))
            try:
                turn.settle()
                yield turn
            except CodexError as error:
                with suppress(CodexError):
                    turn.note(last_error=error.message[:500])
                raise
            except OSError as error:
                raise disk_error(error, system.state) from error

    def aside(self) -> Turn:
        """Return a turn that only looks: without the lock, and it remembers nothing."""
        boot = booting.read(self.system.root)
        rules.running_image(boot)
        try:
            loaded = state.load(self.system.state)
        except CodexError:
            # What root keeps is not for everybody; looking needs none of it.
            loaded = Loaded(state.State())
        turn = Turn(self, boot, loaded, (), remembers=False)
        turn.settle()
        return turn


@dataclass
class Turn:
    """One run under the lock."""

    updater: Updater
    boot: Boot
    loaded: Loaded
    keep: tuple[int, ...]
    remembers: bool = True

    @property
    def state(self) -> State:
        """What is remembered."""
        return self.loaded.state

    @property
    def slots(self) -> Sysupdate:
        """What systemd-sysupdate says and does."""
        return Sysupdate(self.updater.system.run, self.keep)

    @property
    def running(self) -> str:
        """The version that runs."""
        return rules.running_image(self.boot).version

    @property
    def drain_after(self) -> Commands:
        """What brings this host back: as the policy said when it was taken out of service."""
        kept = self.state.drain_after
        return self.updater.policy.drain_after if kept is None else kept

    def note(self, **changes: object) -> None:
        """Remember something."""
        self.keep_state(replace(self.state, **changes))  # type: ignore[arg-type]

    def keep_state(self, new: State) -> None:
        """Replace what is remembered."""
        if new != self.state:
            if self.remembers:
                state.store(self.updater.system.state, new, self.loaded.more)
            self.loaded = replace(self.loaded, state=new)

    def settle(self) -> None:
        """Draw the conclusion from the boots since the last run."""
        now = self.state
        bad = {v: why[:500] for v, why in rules.bad_versions(now, self.boot).items()}
        if self.boot.state == "blessed" and now.pinned in (None, self.running):
            # Nobody is on the way back from it, and it is good: whatever was said of it before.
            bad.pop(self.running, None)
        if now.stage == "written" and now.version is not None:
            if now.version == self.running and self.boot.state == "blessed":
                now = replace(now, stage="none", version=None, last_error=None, restarted_for=None)
            elif now.version in bad:
                why = f"Version {now.version} was given up: {bad[now.version]}."
                now = replace(
                    now, stage="none", version=None, last_error=why[:500], restarted_for=None
                )
        now = replace(now, bad=bad)
        if now.pinned is not None and self.boot.default is None:
            now = self._pin(now, now.pinned)
        self.keep_state(now)

    def _pin(self, now: State, pinned: str) -> State:
        """Keep an older version that was tried once and found good; forget one that was not."""
        entry = self.boot.of(self.running)
        if pinned != self.running:
            if now.stage == "written":
                return now
            # A way back that was cut before the boot loader was told: nobody has gone it.
            gone = (self.running, _went_back(pinned))
            bad = {v: why for v, why in now.bad.items() if (v, why) != gone}
            return replace(now, pinned=None, bad=bad)
        if self.remembers and entry is not None and entry.standing == "good":
            system = self.updater.system
            rollback.set_default(system.run, system.root, entry, self.keep, once=False)
        return now

    def look(self, wish: Wish, fetcher: Fetcher) -> Offer:
        """Look at what is offered and remember it.

        What is offered to another kind of host says nothing of what this one has seen: ``judge``
        refuses it.
        """
        system = self.updater.system
        architecture = system.architecture()
        found = offer.look(fetcher, self.updater.verify, architecture, wish.version)
        if not rules.of_this_kind(found.release, rules.running_image(self.boot), architecture):
            return found
        newest = found.versions[-1]
        if not wish.allow_older:
            rules.not_replayed(newest, self.state)
        new = state.seen(self.state, newest)
        self.keep_state(replace(new, offered=newest, checked_at=state.now()))
        return found

    def judge(self, release: Release, wish: Wish) -> bool:
        """Apply the rules that need no space; say whether there is something to do."""
        image = rules.running_image(self.boot)
        rules.fits(release, image, self.updater.system.architecture())
        if not rules.newer(release, image, allow_older=wish.allow_older):
            return False
        rules.not_bad(release, self.state, self.boot, again=wish.again)
        return True

    def roll_back(self, version: str | None, *, once: bool) -> Outcome:
        """Let the other good version start next, or the running one in place of a written one."""
        system = self.updater.system
        mine = None if once else rollback.instead(self.boot, self.state, version)
        if mine is not None and self.state.version is not None:
            return self._take_back(self.state.version, mine)
        entry = rollback.choose(self.boot, self.state, self.slots, version)
        if once:
            rollback.set_default(system.run, system.root, entry, self.keep, once=True)
        else:
            self._start(entry, self.running, _went_back(entry.version))
        when = "at the next restart only" if once else "from the next restart on"
        return Outcome(True, entry.version, f"Version {entry.version} starts {when}.")

    def _take_back(self, version: str, mine: Entry) -> Outcome:
        system = self.updater.system
        self._start(mine, version, "it was written, and an operator took it back")
        # An older version that was written is started once, whatever the default is.
        rollback.clear_once(system.run, system.root, self.boot, version, self.keep)
        text = f"Version {version} is taken back: {mine.version} starts at the next restart, too."
        return Outcome(True, mine.version, text)

    def _start(self, entry: Entry, left: str, why: str) -> None:
        """Make an entry the default in place of a version that is not to be taken by itself again.

        Written down first: a full disk must not leave half of it done.
        """
        system, before = self.updater.system, self.state
        bad = {**before.bad, left: why}
        self.note(pinned=entry.version, bad=bad, stage="none", version=None, restarted_for=None)
        try:
            rollback.set_default(system.run, system.root, entry, self.keep, once=False)
        except UpdateError:
            self.keep_state(before)
            raise


def _went_back(version: str) -> str:
    return f"an operator went back from it to {version}"
