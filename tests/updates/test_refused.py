# SPDX-License-Identifier: Apache-2.0
"""Folders of releases that are not what they should be, offered to a running host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from codex_agent.update.exits import Exit
from codex_agent.update.system import System
from tests.support.versions import damage
from tests.support.versions.attacks import ATTACKS, Signers
from tests.support.versions.server import serving
from tests.updates.conftest import status
from tests.updates.first_update import UPDATE_S, configure

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.attack_table import Table
    from tests.support.machine import Machine
    from tests.support.versions.attacks import Attack
    from tests.updates.conftest import Updated

pytestmark = pytest.mark.guest
FEW = frozenset(
    ("no-signature", "foreign-key", "flipped-sums", "flipped-release.json", "name-outside",
     "size-of-the-sky", "other-flavour", "truncated-signature.raw")
)  # fmt: skip


@pytest.fixture(scope="module")
def signers(updated: Updated) -> Signers:
    lab = updated.lab
    ours = damage.signed_by(lab.paths, lab.tree)
    return Signers(ours, damage.stranger(lab.paths, lab.tree, lab.folder / "stranger"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "attack" in metafunc.fixturenames:
        every = metafunc.config.getoption("--all-attacks")
        chosen = [a for a in ATTACKS if every or a.name in FEW]
        metafunc.parametrize("attack", chosen, ids=[a.name for a in chosen])


def test_a_folder_that_is_not_what_was_signed(
    attack: Attack, running: Machine, offered: Path, signers: Signers, updated: Updated,
    table: Table,
) -> None:  # fmt: skip
    lab = updated.lab
    copy = damage.Copy.of(offered, lab.folder / "attacked", lab.third)
    attack.apply(copy, signers)
    before = status(running)["versions"]
    # Files that came whole are kept, and not asked for again: each attack finds a host without.
    running.output(f"rm -rf {System().stage}")
    with serving(copy.folder) as server:
        configure(running, server.guest_url)
        done = running.run("codex update apply --fetch-only", UPDATE_S)
    wanted = Exit[attack.ends]
    assert done.returncode == wanted, done.stdout + done.stderr
    sentence = [line for line in done.stderr.splitlines() if line.startswith("codex: ")]
    if wanted is not Exit.DONE:
        assert re.search(attack.said, done.stderr), done.stderr
        assert "Traceback" not in done.stderr
    assert status(running)["versions"] == before
    running.output("test ! -e /etc/codex/passwd")
    last = sentence[-1].removeprefix("codex: ") if sentence else done.stdout
    table.add(f"offer: {attack.name}", attack.what, f"status {int(wanted)} ({wanted.name})", last)
