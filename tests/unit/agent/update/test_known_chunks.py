# SPDX-License-Identifier: Apache-2.0
"""What everybody is told of chunks, whose number nobody knows before the last one came."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_agent.update import applying
from codex_agent.update.flow import Wish
from tests.unit.agent.update.releases import CHUNK
from tests.unit.agent.update.test_known import NEW, content, teller

if TYPE_CHECKING:
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder


def test_chunks_have_no_total_until_the_last_one_came(machine: Host) -> None:
    with teller(machine) as told:
        told.monotonic = itertools.count(100).__next__
        told.begun()
        for done, total in ((0, 0), (300, 0), (500, 500)):
            told.tell("chunks of root", done, total)
            work = content(machine)["work"]
            assert (work["name"], work["unit"]) == ("chunks of root", "bytes")
            assert (work["done"], work["total"]) == (done, total)
        told.tell("another", 0, 100)
        assert content(machine)["work"]["unit"] == "percent"


def test_the_page_is_told_of_chunks(machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    with teller(machine, source=str(folder.path)) as told:
        told.monotonic = itertools.count(100).__next__
        seen: list[tuple[int, int]] = []

        def tell(name: str, done: int, total: int) -> None:
            told.tell(name, done, total)
            work = content(machine)["work"]
            if work["name"] == f"chunks of codex-os_{NEW}_x86-64.root.erofs":
                seen.append((work["done"], work["total"]))

        updater = replace(machine.updater(str(folder.path)), begun=told.begun, tell=tell)
        with updater.alone() as turn:
            applying.apply(turn, Wish(fetch_only=True))
    assert seen == [(CHUNK, 0), (2 * CHUNK, 0), (3 * CHUNK, 0), (3 * CHUNK, 3 * CHUNK)]
