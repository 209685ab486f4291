# SPDX-License-Identifier: Apache-2.0
"""Each attack on a folder of releases gets the refusal that is expected of a host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import applying, names
from codex_agent.update.check import check
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Wish
from tests.support.versions.attacks import ATTACKS, Attack, Signers
from tests.support.versions.damage import SIGNATURE, SUMS, Copy, Sign
from tests.unit.agent.update import keys as making
from tests.unit.agent.update.hosts import Host
from tests.unit.agent.update.releases import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.agent.update.keys import Keys

OLD, NEW = "0.1.11", "0.1.12"


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    with making.made() as found:
        yield found


@pytest.fixture
def signers(keys: Keys) -> Signers:
    def by(name: str) -> Sign:
        return lambda sums: _write(sums, keys.sign(sums.read_bytes(), name))

    return Signers(by(making.OURS), by(making.OTHER))


def _write(sums: Path, signature: bytes) -> None:
    path = sums.with_name(SIGNATURE)
    path.unlink(missing_ok=True)
    path.write_bytes(signature)


@pytest.fixture
def released(tmp_path: Path, keys: Keys) -> Folder:
    folder = Folder(tmp_path / "released", keys)
    folder.add(NEW)
    return folder


@pytest.fixture
def machine(tmp_path: Path, keys: Keys) -> Host:
    return Host(tmp_path / "machine", keys)


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _apply(machine: Host, folder: Path, **wish: object) -> None:
    with machine.updater(str(folder)).alone() as turn:
        applying.apply(turn, Wish(**wish))  # type: ignore[arg-type]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack(
    attack: Attack, released: Folder, machine: Host, signers: Signers, tmp_path: Path
) -> None:
    before = _contents(released.path)
    copy = Copy.of(released.path, tmp_path / "copy", NEW)
    attack.apply(copy, signers)
    assert _contents(released.path) == before
    assert _contents(copy.folder) != before
    if attack.ends == "DONE":
        _apply(machine, copy.folder)
        assert f"codex-os_{NEW}+3-0.efi" in machine.entries()
        return
    with pytest.raises(UpdateError) as caught:
        _apply(machine, copy.folder)
    assert caught.value.kind is Exit[attack.ends], caught.value.message
    assert re.search(attack.said, caught.value.message), caught.value.message
    assert f"codex-os_{NEW}+3-0.efi" not in machine.entries()


def test_untouched_copy_is_taken(released: Folder, machine: Host, tmp_path: Path) -> None:
    """The control for the refusals above."""
    copy = Copy.of(released.path, tmp_path / "copy", NEW)
    _apply(machine, copy.folder)
    assert f"codex-os_{NEW}+3-0.efi" in machine.entries()


def test_replayed_index(released: Folder, machine: Host, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "older", released.keys)
    folder.add(OLD)
    old = Copy.of(folder.path, tmp_path / "old", OLD).index()
    folder.add(NEW, seed=2)
    copy = Copy.of(folder.path, tmp_path / "copy", NEW)
    assert check(machine.updater(str(copy.folder)), Wish()).version == NEW
    copy.replay(old)
    assert copy.listed().keys() == {n for n in copy.listed() if OLD in n}
    with pytest.raises(UpdateError, match="was offered before") as caught:
        _apply(machine, copy.folder)
    assert caught.value.kind is Exit.OLDER


def test_signed_again_is_good(released: Folder, machine: Host, tmp_path: Path,
                              signers: Signers) -> None:  # fmt: skip
    copy = Copy.of(released.path, tmp_path / "copy", NEW)
    copy.list_anew(signers.ours)
    assert (copy.folder / SUMS).read_bytes() == (released.path / SUMS).read_bytes()
    _apply(machine, copy.folder)


def test_names_are_the_agents(released: Folder) -> None:
    copy = Copy(released.path, NEW)
    assert copy.name("efi") == names.of(NEW, "x86-64", "efi")
    assert (SUMS, SIGNATURE) == (names.SUMS, names.SIGNATURE)
    assert {"efi", "root.caibx", "uki.caibx", "reset.efi", "reset.caibx"} <= set(
        names.ENDINGS.values()
    )
