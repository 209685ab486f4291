# SPDX-License-Identifier: Apache-2.0
"""One update that is only fetched, and what can go wrong with its chunks on any of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.update import applying, names
from codex_agent.update.flow import Wish
from codex_agent.update.program import Done
from tests.unit.agent.update import releases

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_agent.update.flow import Outcome
    from tests.support.versions.server import Handler
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

VERSION = "0.1.11"


def apply(machine: Host, source: str, **named: object) -> Outcome:
    with machine.updater(source).alone() as turn:
        wish = Wish(fetch_only=True, **named)  # type: ignore[arg-type]
        return applying.apply(turn, wish)


def chunks_of(content: bytes) -> list[str]:
    return [names.chunk(identifier) for identifier in releases.pieces(content)]


def cut_after(count: int, **more: str) -> Callable[[Handler, bytes], None]:
    """A server that goes away after so many bytes of a file."""

    def cut(handler: Handler, content: bytes) -> None:
        handler.head(200, {"Content-Length": str(len(content)), **more})
        handler.body(content[:count])
        handler.cut()

    return cut


def without_casync(machine: Host, folder: Folder) -> None:
    gone = Done(None, "", "", "the program casync is not on this host")
    machine.before["casync"] = lambda _argv: gone


def with_a_lie(machine: Host, folder: Folder) -> None:
    """Casync says that all went well, and did nothing."""
    machine.before["casync"] = lambda _argv: Done(0, "", "")


def with_a_full_disk(machine: Host, folder: Folder) -> None:
    full = Done(1, "", "Failed to run synchronizer: No space left on device\n")
    machine.before["casync"] = lambda _argv: full


#: What any file by chunks meets, and the reason that is told.
ANY_FILE = [
    (without_casync, "the program casync is not on this host"),
    (with_a_lie, "what casync put together is not what was signed"),
]
