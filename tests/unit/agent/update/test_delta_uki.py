# SPDX-License-Identifier: Apache-2.0
"""The UKI by chunks: from that of the running version, and as a whole wherever that fails."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import names
from codex_agent.update.exits import Exit, UpdateError
from tests.unit.agent.update import releases
from tests.unit.agent.update.deltas import (
    ANY_FILE,
    VERSION,
    apply,
    chunks_of,
    cut_after,
    with_a_full_disk,
)
from tests.unit.agent.update.hosts import RUNNING
from tests.unit.agent.update.releases import CHUNK

if TYPE_CHECKING:
    from tests.support.versions.server import Server
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

UKI = f"codex-os_{VERSION}_x86-64.efi"
INDEX = f"codex-os_{VERSION}_x86-64.uki.caibx"


def staged(machine: Host) -> bytes:
    return (machine.base / "var/lib/codex/update/stage" / UKI).read_bytes()


def changed_chunk() -> str:
    (found,) = set(chunks_of(releases.uki_of(1))) - set(chunks_of(releases.uki_of(0)))
    return found


def other_index(folder: Folder, content: bytes) -> None:
    """Exchange the index, and sign it."""
    described = folder.add(VERSION)
    entry = next(file for file in described["files"] if file["role"] == "uki-index")
    (folder.path / INDEX).write_bytes(content)
    entry.update(bytes=len(content), sha256=releases.sha256(content))
    folder.describe(VERSION, described)


def test_only_what_differs_is_moved(machine: Host, folder: Folder, server: Server) -> None:
    folder.add(VERSION)
    outcome = apply(machine, server.url)
    assert staged(machine) == releases.uki_of(1)
    moved = {name for name in chunks_of(releases.uki_of(1)) if server.sent[name]}
    assert moved == {changed_chunk()}
    assert server.sent[UKI] == 0
    assert outcome.uki_because is None
    assert machine.said == []
    call = machine.started("casync")[0]
    assert f"--seed={machine.base}/efi/EFI/Linux/codex-os_{RUNNING}.efi" in call


def test_the_index_is_nothing_that_sysupdate_could_take_for_the_uki() -> None:
    """Its patterns also match what is longer than they are."""
    endings = list(names.ENDINGS.values())
    assert not [e for e in endings if e != "efi" and e.startswith("efi")]


def test_a_release_without_an_index(machine: Host, folder: Folder, server: Server) -> None:
    folder.add(VERSION, uki_index=False)
    outcome = apply(machine, server.url)
    assert staged(machine) == releases.uki_of(1)
    assert server.sent[UKI] == len(releases.uki_of(1))
    assert outcome.uki_because == "this release has no index of chunks for it"
    assert machine.said == [f"The whole UKI is fetched: {outcome.uki_because}."]
    # The root does not lose its own way by that.
    assert outcome.whole_because is None


def test_a_cut_download_keeps_its_chunks(machine: Host, folder: Folder, server: Server) -> None:
    folder.add(VERSION)
    # Nothing of it is here: all chunks are asked for, one after the other.
    machine.put(f"/efi/EFI/Linux/codex-os_{RUNNING}.efi", b"other")
    last = chunks_of(releases.uki_of(1))[-1]
    server.behaviours[last] = cut_after(100)
    with pytest.raises(UpdateError, match="stopped in the middle") as caught:
        apply(machine, server.url)
    assert caught.value.kind is Exit.UNREACHABLE
    assert machine.said == []
    server.behaviours.clear()
    server.sent.clear()
    apply(machine, server.url)
    assert {name for name in chunks_of(releases.uki_of(1)) if server.sent[name]} == {last}
    assert staged(machine) == releases.uki_of(1)


def test_chunks_of_a_cut_root_stay_beside_a_whole_uki(
    machine: Host, folder: Folder, server: Server
) -> None:
    folder.add(VERSION)
    here = chunks_of(releases.root_of(0))
    *kept, last = [n for n in chunks_of(releases.root_of(1)) if n not in here]
    server.behaviours[last] = lambda handler, _content: handler.cut()
    with pytest.raises(UpdateError):
        apply(machine, server.url)
    server.behaviours.clear()
    server.sent.clear()
    apply(machine, server.url)
    assert [server.sent[name] for name in kept] == [0, 0]
    assert server.sent[changed_chunk()] == server.sent[UKI] == 0


def test_the_whole_uki_goes_on_where_it_was_cut(
    machine: Host, folder: Folder, server: Server
) -> None:
    folder.add(VERSION, uki_index=False)
    server.behaviours[UKI] = cut_after(9000, **{"Accept-Ranges": "bytes"})
    with pytest.raises(UpdateError):
        apply(machine, server.url)
    server.behaviours.clear()
    server.sent.clear()
    apply(machine, server.url)
    assert 0 < server.sent[UKI] < len(releases.uki_of(1))
    assert staged(machine) == releases.uki_of(1)


def without_entry(machine: Host, folder: Folder) -> None:
    """The running UKI went away after the host was judged."""
    before = machine.system.entries / f"codex-os_{RUNNING}.efi"
    machine.before["gpgv"] = lambda _argv: before.unlink(missing_ok=True)


def without_chunk(machine: Host, folder: Folder) -> None:
    (folder.path / changed_chunk()).unlink()


def with_a_spoilt_chunk(machine: Host, folder: Folder) -> None:
    (folder.path / changed_chunk()).write_bytes(b"x" * CHUNK)


def with_a_chunk_of_another_place(machine: Host, folder: Folder) -> None:
    """A true chunk, served under the name of another one."""
    other = chunks_of(releases.uki_of(1))[0]
    shutil.copyfile(folder.path / other, folder.path / changed_chunk())


def with_garbage_as_index(machine: Host, folder: Folder) -> None:
    other_index(folder, b"garbage" * 40)


def with_the_index_of_the_root(machine: Host, folder: Folder) -> None:
    other_index(folder, releases.index_of(releases.root_of(1)))


def with_the_index_of_another_uki(machine: Host, folder: Folder) -> None:
    """As long as the true one: casync succeeds, and what it makes is another file."""
    other_index(folder, folder.cut(releases.uki_of(2)))


@pytest.mark.parametrize(("change", "reason"), [
    (without_entry, "the running UKI"),
    (without_chunk, "the source lacks the chunk"),
    (with_a_spoilt_chunk, "casync did not put it together"),
    (with_a_chunk_of_another_place, "casync did not put it together"),
    (with_garbage_as_index, "the index of chunks cannot be used"),
    (with_the_index_of_the_root, "the index of chunks is that of another UKI"),
    (with_the_index_of_another_uki, "what casync put together is not what was signed"),
    *ANY_FILE,
])  # fmt: skip
def test_the_whole_uki_for_a_reason(
    machine: Host, folder: Folder, server: Server, change: object, reason: str
) -> None:
    folder.add(VERSION)
    change(machine, folder)  # type: ignore[operator]
    outcome = apply(machine, server.url)
    assert reason in (outcome.uki_because or "")
    assert f"The whole UKI is fetched: {outcome.uki_because}." in machine.said
    assert staged(machine) == releases.uki_of(1)
    assert server.sent[UKI] == len(releases.uki_of(1))


def test_an_index_that_was_not_signed(machine: Host, folder: Folder) -> None:
    folder.add(VERSION)
    content = releases.index_of(releases.uki_of(2))
    (folder.path / INDEX).write_bytes(content)
    with pytest.raises(UpdateError, match="other content") as caught:
        apply(machine, str(folder.path))
    assert caught.value.kind is Exit.DIFFERENT


def test_a_chunk_that_is_too_long(machine: Host, folder: Folder, server: Server) -> None:
    folder.add(VERSION)
    (folder.path / changed_chunk()).write_bytes(b"x" * 200_000)
    with pytest.raises(UpdateError, match="is longer than") as caught:
        apply(machine, server.url)
    assert caught.value.kind is Exit.MALFORMED
    assert server.sent[UKI] == 0


def test_a_full_disk_is_no_reason_to_fetch_more(
    machine: Host, folder: Folder, server: Server
) -> None:
    folder.add(VERSION)
    with_a_full_disk(machine, folder)
    with pytest.raises(UpdateError, match="is full") as caught:
        apply(machine, server.url)
    assert caught.value.kind is Exit.SPACE
    assert server.sent[UKI] == 0
