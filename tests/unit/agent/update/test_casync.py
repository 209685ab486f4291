# SPDX-License-Identifier: Apache-2.0
"""The delta with the real casync: index, store and root as it makes and reads them."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from codex_agent.update import index, names
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.flow import Wish
from tests.unit.agent.update.releases import noise, sha256, uuid

if TYPE_CHECKING:
    from codex_agent.update.flow import Outcome
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


@pytest.fixture
def release(machine: Host, folder: Folder) -> bytes:
    """A release whose index and chunks the real program made; returns its root."""
    machine.real.add("casync")
    old = noise(SIZE, 7)
    new = shifted(old)
    machine.put("/dev/mapper/root", old)
    described = folder.add(NEW, index=False)
    root = folder.path / "root"
    root.write_bytes(new)
    place = folder.path / names.of(NEW, "x86-64", names.ENDINGS["root-index"])
    store = folder.path / "store"
    subprocess.run(
        ["casync", "make", "--chunk-size=32768", "--compression=zstd", f"--store={store}",
         place, root],
        check=True, capture_output=True,
    )  # fmt: skip
    packed = folder.path / names.of(NEW, "x86-64", names.ENDINGS["root"])
    subprocess.run(["zstd", "-q", "-f", "-o", packed, root], check=True)
    root.unlink()
    folder.unserved[names.of(NEW, "x86-64", names.UNPACKED_ROOT)] = sha256(new)
    for file in described["files"]:
        if file["role"] == "root":
            file.update(bytes=packed.stat().st_size, sha256=sha256(packed.read_bytes()))
            file.update(unpacked_bytes=len(new), unpacked_sha256=sha256(new))
    described["files"].append({
        "name": place.name, "role": "root-index", "bytes": place.stat().st_size,
        "sha256": sha256(place.read_bytes()), "unpacked_bytes": None, "unpacked_sha256": None,
    })  # fmt: skip
    digits = described["root_hash"]
    described["uuids"].update(root=uuid(digits[:32]), verity=uuid(digits[32:]))
    folder.describe(NEW, json.loads(json.dumps(described)))
    return new


def apply(machine: Host, server: Server) -> Outcome:
    with machine.updater(server.url).alone() as turn:
        return turn.apply(Wish(fetch_only=True))


def made(machine: Host) -> bytes:
    name = names.of(NEW, "x86-64", names.UNPACKED_ROOT)
    return (machine.base / "var/lib/codex/update/stage" / name).read_bytes()


def chunks(server: Server) -> dict[str, int]:
    return {name: count for name, count in server.sent.items() if name.startswith("store/")}


def test_index(release: bytes, folder: Folder) -> None:
    place = folder.path / names.of(NEW, "x86-64", names.ENDINGS["root-index"])
    found = index.parse(place.read_bytes())
    assert found.size == len(release)
    assert found.chunk_max == 128 * 1024
    for identifier in found.chunks:
        assert (folder.path / names.chunk(identifier)).is_file()


def test_only_what_differs(machine: Host, release: bytes, server: Server) -> None:
    outcome = apply(machine, server)
    assert made(machine) == release
    assert outcome.whole_because is None
    assert outcome.reused is not None
    assert "%" in outcome.reused
    assert 50_000 < sum(chunks(server).values()) < SIZE // 10


def test_cut_and_gone_on(machine: Host, release: bytes, server: Server) -> None:
    """The last chunk is cut: the next run asks for it alone."""
    apply(machine, server)
    asked = [name for name, _ in server.asked if name.startswith("store/")]
    fresh = type(machine)(machine.base.with_name("fresh"), machine.keys)
    fresh.real.add("casync")
    fresh.put("/dev/mapper/root", (machine.base / "dev/mapper/root").read_bytes())

    def cut(handler: Handler, content: bytes) -> None:
        handler.head(200, {"Content-Length": str(len(content))})
        handler.body(content[:10])
        handler.cut()

    server.behaviours[asked[-1]] = cut
    with pytest.raises(UpdateError, match="stopped in the middle") as caught:
        apply(fresh, server)
    assert caught.value.kind is Exit.UNREACHABLE
    server.behaviours.clear()
    server.sent.clear()
    apply(fresh, server)
    assert made(fresh) == release
    assert set(chunks(server)) == {asked[-1]}


def test_a_spoilt_chunk_is_found(machine: Host, release: bytes, server: Server) -> None:
    apply(machine, server)
    spoilt = next(name for name in chunks(server))
    fresh = type(machine)(machine.base.with_name("fresh"), machine.keys)
    fresh.real.add("casync")
    fresh.put("/dev/mapper/root", (machine.base / "dev/mapper/root").read_bytes())
    good = (server.folder / spoilt).read_bytes()
    (server.folder / spoilt).write_bytes(good[:40] + bytes([good[40] ^ 1]) + good[41:])
    outcome = apply(fresh, server)
    assert outcome.whole_because is not None
    assert "casync did not put it together" in outcome.whole_because
    assert made(fresh) == release
