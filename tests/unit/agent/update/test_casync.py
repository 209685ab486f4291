# SPDX-License-Identifier: Apache-2.0
"""The delta with the real casync: index, store, root and UKI as it makes and reads them."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import index, names
from codex_agent.update.exits import Exit, UpdateError
from tests.unit.agent.update.deltas import apply
from tests.unit.agent.update.hosts import RUNNING
from tests.unit.agent.update.releases import noise, sha256, uuid

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.versions.server import Handler, Server
    from tests.unit.agent.update.hosts import Host
    from tests.unit.agent.update.releases import Folder

pytestmark = pytest.mark.skipif(
    shutil.which("casync") is None, reason="casync is not on this machine"
)

NEW = "0.1.11"
SIZE = 8 * 1024**2


def shifted(old: bytes) -> bytes:
    """What a changed package does: something is put in, something is other, the rest moves."""
    new = bytearray(old)
    new[1_000_000:1_000_000] = noise(5000, 8)
    new[6_000_000:6_050_000] = noise(50_000, 9)
    return bytes(new)


def cut(folder: Folder, role: names.Role, whole: Path) -> dict[str, object]:
    """Cut a file as `make release` does; return what the description says of the index."""
    place = folder.path / names.of(NEW, "x86-64", names.ENDINGS[role])
    subprocess.run(
        ["casync", "make", "--chunk-size=32768", "--compression=zstd",
         f"--store={folder.path / 'store'}", place, whole],
        check=True, capture_output=True,
    )  # fmt: skip
    return {
        "name": place.name, "role": role, "bytes": place.stat().st_size,
        "sha256": sha256(place.read_bytes()), "unpacked_bytes": None, "unpacked_sha256": None,
    }  # fmt: skip


@pytest.fixture
def release(machine: Host, folder: Folder) -> bytes:
    """A release whose index and chunks the real program made; returns its root."""
    machine.real.add("casync")
    old = noise(SIZE, 7)
    new = shifted(old)
    machine.put("/dev/mapper/root", old)
    described = folder.add(NEW, index=False, uki_index=False)
    root = folder.path / "root"
    root.write_bytes(new)
    index_entry = cut(folder, "root-index", root)
    packed = folder.path / names.of(NEW, "x86-64", names.ENDINGS["root"])
    subprocess.run(["zstd", "-q", "-f", "-o", packed, root], check=True)
    root.unlink()
    folder.unserved[names.of(NEW, "x86-64", names.UNPACKED_ROOT)] = sha256(new)
    for file in described["files"]:
        if file["role"] == "root":
            file.update(bytes=packed.stat().st_size, sha256=sha256(packed.read_bytes()))
            file.update(unpacked_bytes=len(new), unpacked_sha256=sha256(new))
    described["files"].append(index_entry)
    uki = noise(SIZE // 4, 17)
    machine.put(f"/efi/EFI/Linux/codex-os_{RUNNING}.efi", uki)
    changed = uki[:500_000] + noise(3000, 18) + uki[500_000:]
    place = folder.path / names.of(NEW, "x86-64", names.ENDINGS["uki"])
    place.write_bytes(changed)
    for file in described["files"]:
        if file["role"] == "uki":
            file.update(bytes=len(changed), sha256=sha256(changed))
    described["files"].append(cut(folder, "uki-index", place))
    digits = described["root_hash"]
    described["uuids"].update(root=uuid(digits[:32]), verity=uuid(digits[32:]))
    folder.describe(NEW, json.loads(json.dumps(described)))
    return new


def made(machine: Host) -> bytes:
    name = names.of(NEW, "x86-64", names.UNPACKED_ROOT)
    return (machine.base / "var/lib/codex/update/stage" / name).read_bytes()


def chunks(server: Server, role: names.Role = "root-index") -> dict[str, int]:
    """What was moved of the chunks of a file."""
    place = server.folder / names.of(NEW, "x86-64", names.ENDINGS[role])
    wanted = map(names.chunk, index.parse(place.read_bytes()).chunks)
    return {name: server.sent[name] for name in wanted if server.sent[name]}


def test_index(release: bytes, folder: Folder) -> None:
    place = folder.path / names.of(NEW, "x86-64", names.ENDINGS["root-index"])
    found = index.parse(place.read_bytes())
    assert found.size == len(release)
    assert found.chunk_max == 128 * 1024
    for identifier in found.chunks:
        assert (folder.path / names.chunk(identifier)).is_file()


def test_only_what_differs(machine: Host, release: bytes, server: Server) -> None:
    outcome = apply(machine, server.url)
    assert made(machine) == release
    assert outcome.whole_because is None
    assert outcome.reused is not None
    assert "%" in outcome.reused
    assert 50_000 < sum(chunks(server).values()) < SIZE // 10


def test_cut_and_gone_on(machine: Host, release: bytes, server: Server) -> None:
    """The last chunk is cut: the next run asks for it alone."""
    apply(machine, server.url)
    asked = [name for name, _ in server.asked if name in chunks(server)]
    fresh = type(machine)(machine.base.with_name("fresh"), machine.keys)
    fresh.real.add("casync")
    fresh.put("/dev/mapper/root", (machine.base / "dev/mapper/root").read_bytes())

    def cut(handler: Handler, content: bytes) -> None:
        handler.head(200, {"Content-Length": str(len(content))})
        handler.body(content[:10])
        handler.cut()

    server.behaviours[asked[-1]] = cut
    with pytest.raises(UpdateError, match="stopped in the middle") as caught:
        apply(fresh, server.url)
    assert caught.value.kind is Exit.UNREACHABLE
    server.behaviours.clear()
    server.sent.clear()
    apply(fresh, server.url)
    assert made(fresh) == release
    assert set(chunks(server)) == {asked[-1]}


def test_a_spoilt_chunk_is_found(machine: Host, release: bytes, server: Server) -> None:
    apply(machine, server.url)
    spoilt = next(name for name in chunks(server))
    fresh = type(machine)(machine.base.with_name("fresh"), machine.keys)
    fresh.real.add("casync")
    fresh.put("/dev/mapper/root", (machine.base / "dev/mapper/root").read_bytes())
    good = (server.folder / spoilt).read_bytes()
    (server.folder / spoilt).write_bytes(good[:40] + bytes([good[40] ^ 1]) + good[41:])
    outcome = apply(fresh, server.url)
    assert outcome.whole_because is not None
    assert "casync did not put it together" in outcome.whole_because
    assert made(fresh) == release


def test_a_uki_from_the_running_one(machine: Host, release: bytes, server: Server) -> None:
    outcome = apply(machine, server.url)
    name = names.of(NEW, "x86-64", names.ENDINGS["uki"])
    staged = machine.base / "var/lib/codex/update/stage" / name
    assert staged.read_bytes() == (server.folder / name).read_bytes()
    assert outcome.uki_because is None
    assert server.sent[name] == 0
    assert 3000 < sum(chunks(server, "uki-index").values()) < SIZE // 20


def test_a_spoilt_chunk_of_the_uki(machine: Host, release: bytes, server: Server) -> None:
    machine.put(f"/efi/EFI/Linux/codex-os_{RUNNING}.efi", noise(SIZE // 4, 19))
    place = server.folder / names.of(NEW, "x86-64", names.ENDINGS["uki-index"])
    first, second = map(names.chunk, index.parse(place.read_bytes()).chunks[:2])
    # A true chunk of casync's, under the name of another one.
    shutil.copyfile(server.folder / second, server.folder / first)
    outcome = apply(machine, server.url)
    assert "casync did not put it together" in (outcome.uki_because or "")
    name = names.of(NEW, "x86-64", names.ENDINGS["uki"])
    staged = machine.base / "var/lib/codex/update/stage" / name
    assert staged.read_bytes() == (server.folder / name).read_bytes()
    # The root comes by its own chunks all the same.
    assert outcome.whole_because is None
    assert made(machine) == release
