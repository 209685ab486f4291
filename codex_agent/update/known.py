# SPDX-License-Identifier: Apache-2.0
"""What root has written down of updates for readers without privilege, and how it is judged.

``telling.py`` writes it, ``known.schema.json`` describes it. Nobody takes it for more than it is:
what is old, broken, or of another start of the host is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from codex_agent.host.reading import Unreadable

# Their names have to be there when the interface is described and when a file is judged.
from codex_agent.update import shape
from codex_agent.update.boot import BootState  # noqa: TC001 - as above
from codex_agent.update.check import Found
from codex_agent.update.state import Stage  # noqa: TC001 - as above
from codex_agent.update.status import Begun, Startable

if TYPE_CHECKING:
    from codex_agent.host.reading import Reading
    from codex_agent.host.root import Root

PLACE = "/run/codex/update.json"
DOOR = "/run/codex-update.sock"
TRANSFERS = "/usr/lib/sysupdate.d/10-root.transfer"  # part of an image, and of nothing else
LIMIT = 1024**2  # bytes
# The timer has it written anew every quarter of an hour; a work under way, every few seconds.
OLD_S = 3600.0
SILENT_S = 60.0
_HOST = "this host was not booted from an image of Codex OS"

Action = Literal["check", "apply", "rollback", "restart"]
By = Literal["command", "timer", "page"]


@dataclass(frozen=True, slots=True)
class Version(Startable):
    """A version that can start; ``whole`` is null where it could not be asked.

    ``given_up`` says why it is not to be started again.
    """

    given_up: str | None


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy of the host as far as it is everybody's business; a password is left out.

    ``window`` ends with the name of the host's zone.
    """

    mode: str
    source: str | None
    window: str | None
    page: bool
    drains: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How updates stood at ``monotonic_s`` of the host's own clock."""

    monotonic_s: float
    running: str | None
    boot: BootState
    boot_reason: str | None
    versions: list[Version]
    begun: Begun | None
    offered: str | None
    checked_at: str | None
    given_up: dict[str, str]
    policy: Rules
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Work:
    """What is being done; ``done`` of ``total`` are bytes of ``name`` unless ``unit`` says else.

    A ``total`` of 0 is one that is not known.
    """

    process: int
    action: Action
    by: By
    began_at: str
    stage: Stage | None
    version: str | None
    name: str | None
    done: int
    total: int
    unit: Literal["bytes", "count", "percent"]
    said: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How the last command ended: what was done, or why it was refused."""

    action: Action
    by: By
    at: str
    good: bool
    message: str
    hint: str | None
    exit_code: int


@dataclass(frozen=True, slots=True)
class Offered(Found):
    """What the last look at the source found; ``left_out`` changes are not told here."""

    at: str
    left_out: int


@dataclass(frozen=True, slots=True)
class Known:
    """All of it, as the file holds it."""

    schema: Literal[1]
    written_at: str
    monotonic_s: float
    standing: Standing
    work: Work | None
    ended: Ended | None
    offered: Offered | None


@dataclass(frozen=True, slots=True)
class Updates:
    """How updates stand, for those who ask over the network.

    ``known`` is null for ``reason``. ``monotonic_s`` is the host's clock when this was said.
    ``silent``: the work that is told has not been heard for a minute. ``closed`` says why nothing
    can be asked for from here; null where it can.
    """

    known: Known | None
    reason: str | None
    source: str
    monotonic_s: float
    silent: bool
    closed: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What root says at once to what it was asked for: the work begins, or why it does not.

    ``kind`` is one word for programs.
    """

    accepted: bool
    kind: str
    message: str
    hint: str | None
    exit_code: int


def parse(content: bytes) -> Known:
    """Return what a file of ours holds, or raise ``ValueError``."""
    return shape.parse(content, Known)


class Reader:
    """Reads the file again and again; one that has not changed is taken apart once."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._last: tuple[bytes, Known] | None = None

    def read(self) -> Reading[Known]:
        """Read what is known, and refuse what is too old to be true."""
        return self._root.reading(PLACE, self._take)

    def _take(self) -> Known:
        try:
            content = self._root.data(PLACE, LIMIT)
        except Unreadable as error:
            if error.absent and not self._root.exists(TRANSFERS):
                raise Unreadable(_HOST, absent=True) from None
            raise
        if self._last is None or self._last[0] != content:
            self._last = None
            self._last = content, parse(content)
        known = self._last[1]
        age = self._root.monotonic() - known.monotonic_s
        if age < 0 or known.standing.monotonic_s > known.monotonic_s:
            raise Unreadable(f"{PLACE} is of another start of this host")
        if age > OLD_S:
            raise Unreadable(f"{PLACE} is {age / 3600:.1f} h old, and is written every 15 min")
        return known

    def updates(self) -> Updates:
        """Return how updates stand now."""
        found = self.read()
        known, now = found.value, self._root.monotonic()
        silent = bool(known and known.work and now - known.monotonic_s > SILENT_S)
        return Updates(known, found.reason, PLACE, now, silent, self._closed(known))

    def _closed(self, known: Known | None) -> str | None:
        if not self._root.exists(TRANSFERS):
            return f"{_HOST[0].upper()}{_HOST[1:]}."
        if known is not None and not known.standing.policy.page:
            return "The policy of this host (page = false in /etc/codex/update.toml) forbids it."
        if not self._root.exists(DOOR):
            return f"{DOOR} is not there: systemctl status codex-update-request.socket."
        return None
