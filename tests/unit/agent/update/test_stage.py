# SPDX-License-Identifier: Apache-2.0
"""What was fetched once lies in the stage: it is used where it is whole, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.update.exits import Exit
from tests.unit.agent.update.turns import apply, refused

if TYPE_CHECKING:
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

NEW = "0.1.11"


def test_a_source_that_is_gone_after_the_fetching(machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    apply(machine, folder.path, fetch_only=True)
    folder.path.rename(folder.path.with_name("unplugged"))
    outcome = apply(machine, folder.path)
    assert outcome.changed
    assert "is whole, and is used" in machine.said[-2]
    assert f"codex-os_{NEW}+3-0.efi" in machine.entries()


def test_a_stage_that_was_changed_is_not_used(machine: Host, folder: Folder) -> None:
    folder.add(NEW)
    apply(machine, folder.path, fetch_only=True)
    folder.path.rename(folder.path.with_name("unplugged"))
    place = machine.base / f"var/lib/codex/update/stage/codex-os_{NEW}_x86-64.root.erofs"
    content = bytearray(place.read_bytes())
    content[5] ^= 1
    place.write_bytes(content)
    assert refused(machine, folder.path).kind is Exit.UNREACHABLE


@pytest.mark.parametrize("by_itself", [False, True])
@pytest.mark.parametrize("ending", ["root.erofs", "efi", "reset.efi", "signature.raw"])
@pytest.mark.parametrize("damage", ["gone", "short", "a link", "other"])
def test_what_was_fetched_and_is_lost_is_fetched_again(
    machine: Host, folder: Folder, ending: str, damage: str, *, by_itself: bool
) -> None:
    """That it was fetched once is no proof that it is here."""
    folder.add(NEW)
    apply(machine, folder.path, fetch_only=True)
    assert not apply(machine, folder.path, fetch_only=True, by_itself=by_itself).changed
    place = machine.base / f"var/lib/codex/update/stage/codex-os_{NEW}_x86-64.{ending}"
    content = place.read_bytes()
    place.unlink()
    if damage == "short":
        place.write_bytes(content[:-1])
    elif damage == "other":
        place.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    elif damage == "a link":
        place.symlink_to("/dev/zero")
    # The timer looks at sizes; all of it is hashed before it is written.
    lost = damage != "other" or not by_itself
    assert apply(machine, folder.path, fetch_only=True, by_itself=by_itself).changed is lost
    assert apply(machine, folder.path).changed
    assert f"codex-os_{NEW}+3-0.efi" in machine.entries()
    if lost or by_itself:
        assert not place.is_symlink()
