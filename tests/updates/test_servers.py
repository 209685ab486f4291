# SPDX-License-Identifier: Apache-2.0
"""A server of updates that lies, is slow, stops, replays or redirects, and then behaves.

The folder that it has is as it was signed. Each time nothing is installed and the operator is told
why; in the end the host goes on with the honest server, and with what it has already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from codex_agent.update.exits import Exit
from codex_agent.update.names import SUMS
from tests.support.versions import behaviours
from tests.support.versions.server import serving
from tests.updates.conftest import status
from tests.updates.first_update import UPDATE_S, configure

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.attack_table import Table
    from tests.support.machine import Machine
    from tests.support.versions.server import Behaviour, Handler
    from tests.updates.conftest import Updated

pytestmark = [pytest.mark.guest, pytest.mark.every_attack]
TREE = "*.verity.raw"


@dataclass(frozen=True)
class Lie:
    """What the server does with names of a pattern, and how the host has to end."""

    what: str
    pattern: str
    behaviour: Behaviour
    ends: Exit
    said: str


def _drip(handler: Handler) -> bytes:
    handler.head(200, {"Content-Length": "100000"})
    return b"x"


LIES = {
    "longer": Lie("It announces more bytes of the hash tree than were signed.", TREE,
                  behaviours.lies_about_length(10**6), Exit.DIFFERENT, "were signed"),
    "shorter": Lie("It announces fewer bytes of the hash tree than were signed.", TREE,
                   behaviours.lies_about_length(-1), Exit.DIFFERENT, "were signed"),
    "endless": Lie("It sends the hash tree without end.", TREE, behaviours.endless,
                   Exit.DIFFERENT, "more bytes"),
    "endless-list": Lie("It sends the list without end.", SUMS, behaviours.endless,
                        Exit.MALFORMED, "longer than"),
    "slow": Lie("It sends the list a byte at a time.", SUMS, behaviours.drips(_drip, 0.2),
                Exit.UNREACHABLE, "takes more than 60 s"),
    "silent": Lie("It takes the question and never answers.", SUMS, behaviours.silent,
                  Exit.UNREACHABLE, "did not answer within"),
    "stops": Lie("It ends the connection after 100,000 bytes, each time.", TREE,
                 behaviours.stops(100_000), Exit.UNREACHABLE, "stopped in the middle"),
    "breaks": Lie("The connection is reset, each time.", TREE, behaviours.resets(100_000),
                  Exit.UNREACHABLE, "cannot be reached|stopped in the middle"),
    "redirects": Lie("It sends the host to another one.", TREE,
                     behaviours.redirects("http://updates.example/x"), Exit.UNREACHABLE,
                     r"another host \(updates\.example\)"),
    "redirects-file": Lie("It sends the host to a file of its own.", TREE,
                          behaviours.redirects("file:///etc/shadow"), Exit.UNREACHABLE,
                          "redirects to"),
    "round": Lie("It sends the host round in a circle.", SUMS, behaviours.redirects(f"/{SUMS}"),
                 Exit.UNREACHABLE, "more than 5 times"),
    "overloaded": Lie("It answers that it is overloaded.", SUMS, behaviours.refuses(503),
                      Exit.UNREACHABLE, "answers 503"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(LIES))
def test_a_server_that_lies(name: str, running: Machine, offered: Path, table: Table) -> None:
    lie = LIES[name]
    # What is there already would not be asked for again.
    running.output(f"rm -f /var/lib/codex/update/stage/{TREE}*")
    before = status(running)["versions"]
    with serving(offered) as server:
        configure(running, server.guest_url)
        server.behaviours[lie.pattern] = lie.behaviour
        done = running.run("codex update apply --fetch-only", UPDATE_S)
        assert done.returncode == lie.ends, done.stdout + done.stderr
        assert re.search(lie.said, done.stderr), done.stderr
        assert "Traceback" not in done.stderr
        assert status(running)["versions"] == before
    sentence = [line for line in done.stderr.splitlines() if line.startswith("codex: ")][-1]
    table.add(f"server: {name}", lie.what, f"status {int(lie.ends)} ({lie.ends.name})",
              sentence.removeprefix("codex: "))  # fmt: skip


def test_an_old_list_is_replayed(
    running: Machine, offered: Path, updated: Updated, table: Table
) -> None:
    """The list of before the third version was signed by the same key, and is refused."""
    with serving(offered) as server:
        configure(running, server.guest_url)
        running.run("codex update check", UPDATE_S)
    with serving(updated.lab.offers) as server:
        configure(running, server.guest_url)
        done = running.run("codex update apply --fetch-only", UPDATE_S)
    assert done.returncode == Exit.OLDER, done.stdout + done.stderr
    sentence = f"{updated.lab.third} was offered before"
    assert sentence in done.stderr
    table.add("server: replays", "It serves the signed list of before the newest version.",
              f"status {int(Exit.OLDER)} ({Exit.OLDER.name})",
              done.stderr.splitlines()[0].removeprefix("codex: "))  # fmt: skip


def test_an_honest_server_ends_it(running: Machine, offered: Path) -> None:
    with serving(offered) as server:
        configure(running, server.guest_url)
        done = running.run("codex update apply --fetch-only", UPDATE_S)
    assert done.returncode == 0, done.stdout + done.stderr
